-- What happened to each batch, oldest first.
select
    b.payout_window,
    b.line_count,
    finance.money(b.total_minor) as total,
    count(*) filter (where l.state = 'completed') as paid,
    finance.money(coalesce(sum(l.amount_minor) filter (where l.state = 'completed'), 0)) as paid_amount,
    count(*) filter (where l.state = 'failed') as failed,
    count(*) filter (where l.returned_at is not null) as came_back,
    finance.money(coalesce(sum(l.amount_minor) filter (where l.returned_at is not null), 0))
        as rolled_amount,
    count(*) filter (where l.state in ('frozen', 'submitted')) as waiting
from finance.payout_batches as b
inner join finance.payout_lines as l on b.batch_id = l.batch_id
where b.state = 'accepted'
group by b.batch_id, b.payout_window, b.line_count, b.total_minor
order by b.payout_window
