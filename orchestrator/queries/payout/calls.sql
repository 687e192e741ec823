-- The calls of a window's runs, with the rail's own ids and how often each was tried.
select
    b.run,
    c.sequence as call,
    c.state,
    c.line_count as lines,
    c.rail_batch_id,
    count(a.attempt) as tries,
    max(a.http_status) filter (where a.ended_at is not null) as last_http_status
from finance.payout_runs(%(window)s) as b
inner join finance.payout_calls as c on b.batch_id = c.batch_id
left join finance.call_attempts as a on c.batch_id = a.batch_id and c.sequence = a.sequence
group by b.run, c.sequence, c.state, c.line_count, c.rail_batch_id
order by b.run, c.sequence
