-- Approved lines of a window's latest batch that became held before the freeze.
select
    o.seller_id as seller,
    finance.decimal_amount(o.net_minor) as amount,
    o.hold_reason as held_for
from finance.batch_left_out as o
where o.batch_id = (
    select max(b.batch_id) from finance.payout_batches as b where b.payout_window = %(window)s
)
order by o.net_minor desc, o.seller_id
limit %(limit)s
