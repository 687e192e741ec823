-- The last change of a line that moved a balance since the live schemas were built, once nothing of
-- its batch is on its way to the rail: one row. That a line was sent, completed or failed, or goes into
-- another call, moves nothing; views show it at once.
with built as (
    select b.as_of from finance.build_instants as b
    where b.target_schema = 'settlement' and b.completed_at is not null
),

moved as (
    select
        e.line_event_id,
        e.line_id,
        e.recorded_at
    from finance.line_events as e
    where e.kind not in ('submitted', 'completed', 'failed', 'next_call')
    order by e.line_event_id desc
    limit 1
)

select
    m.line_event_id,
    p.payout_window,
    p.state in ('frozen', 'submitting') as is_paying
from moved as m
inner join built as b on m.recorded_at >= b.as_of
inner join finance.payout_lines as l on m.line_id = l.line_id
inner join finance.payout_batches as p on l.batch_id = p.batch_id
