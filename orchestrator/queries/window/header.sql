-- Where a window and its current run stand, for the head of its page: one row, none where there is
-- no such window.
with now as materialized (
    select finance.current_run(%(window)s) as run
)

select
    w.payout_window,
    w.window_starts_at,
    w.window_ends_at,
    w.payout_due_at,
    c.payout_window is not null as is_stored,
    b.settlement_timezone,
    b.currency,
    (
        select concat_ws('/', i.as_of, i.invocation_id, i.completed_at) from finance.build_instants as i
        where i.target_schema = 'settlement'
    ) as build,
    case
        when p.state is not null then p.state
        when w.window_ends_at > settle_now() then 'open'
        when c.payout_window is null then 'closed'
        else 'stored'
    end as state,
    w.payout_window is not distinct from finance.latest_closed_window() as is_latest,
    n.run,
    exists (
        select from finance.payout_lines as l
        where
            l.payout_window = w.payout_window
            and l.state in ('frozen', 'submitted', 'failed')
            and l.returned_at is null
    ) as is_under_way
from settlement.windows as w
cross join now as n
left join finance.window_closes as c on w.payout_window = c.payout_window
cross join settlement_core.int_build as b
left join finance.payout_batches as p
    on
        w.payout_window = p.payout_window
        and p.state <> 'rejected'
        and p.run = n.run
where w.payout_window = %(window)s
