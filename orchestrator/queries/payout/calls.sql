-- The calls of a window's latest batch, with the rail's own ids and how often each was tried.
select
    c.sequence as call,
    c.state,
    c.line_count as lines,
    c.rail_batch_id,
    count(a.attempt) as tries,
    max(a.http_status) filter (where a.ended_at is not null) as last_http_status
from finance.payout_calls as c
left join finance.call_attempts as a on c.batch_id = a.batch_id and c.sequence = a.sequence
where c.batch_id = (
    select max(b.batch_id) from finance.payout_batches as b where b.payout_window = %(window)s
)
group by c.batch_id, c.sequence, c.state, c.line_count, c.rail_batch_id
order by c.sequence
