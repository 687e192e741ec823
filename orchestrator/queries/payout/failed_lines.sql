-- Lines of the window's latest batch that failed, with what the rail said.
select
    l.seller_id as seller,
    finance.decimal_amount(l.amount_minor) as amount,
    l.rail,
    coalesce(l.failure_reason, l.failure_code, 'no reason given') as reason,
    case when l.returned_at is not null then 'back in the balance' else 'asked again first' end
        as money,
    l.outcome_at as failed_at
from finance.payout_lines as l
where
    l.state = 'failed' and l.batch_id = (
        select max(b.batch_id) from finance.payout_batches as b
        where b.payout_window = %(window)s
    )
order by l.amount_minor desc, l.seller_id
limit %(limit)s
