-- The latest close that the live build does not start from: it was stored after it. No row if none.
select c.payout_window
from settlement_core.int_window_closes__as_of as c
where c.window_ends_at > (select b.stored_until from settlement_core.int_build as b)
order by c.window_ends_at desc
limit 1
