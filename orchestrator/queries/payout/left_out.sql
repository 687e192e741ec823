-- Approved lines of a window's runs that became held before the freeze.
select
    b.run,
    o.seller_id as seller,
    finance.decimal_amount(o.net_minor) as amount,
    o.hold_reason as held_for
from finance.payout_runs(%(window)s) as b
inner join finance.batch_left_out as o on b.batch_id = o.batch_id
order by o.net_minor desc, o.seller_id
limit %(limit)s
