-- What came of the latest attempt at a window: its state, and the lines of it that came back.
select
    b.state,
    b.currency,
    count(l.line_id) as line_count,
    finance.money(coalesce(sum(l.amount_minor), 0)) as total
from finance.payout_batches as b
left join finance.payout_lines as l on b.batch_id = l.batch_id and l.returned_at is not null
where b.payout_window = %(window)s
group by b.batch_id
order by b.attempt desc
limit 1
