-- Lines of a window's runs that failed or were sent back, with what the rail said.
select
    l.seller_id as seller,
    finance.decimal_amount(l.amount_minor) as amount,
    l.rail,
    coalesce(l.failure_reason, l.failure_code, 'no reason given') as reason,
    case when l.returned_at is not null then 'back in the balance' else 'asked again first' end
        as money,
    case l.state when 'returned' then l.returned_at else l.outcome_at end as failed_at
from finance.payout_runs(%(window)s) as b
inner join finance.payout_lines as l on b.batch_id = l.batch_id
where l.state in ('failed', 'returned')
order by l.amount_minor desc, l.seller_id
limit %(limit)s
