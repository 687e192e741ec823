-- Where a window stands, for the head of its page: one row, none where there is no such window.
select
    w.payout_window,
    w.window_starts_at,
    w.window_ends_at,
    w.payout_due_at,
    s.is_stored,
    s.net,
    b.settlement_timezone,
    b.currency,
    case
        when p.state is not null then p.state
        when w.window_ends_at > settle_now() then 'open'
        when not s.is_stored then 'closed'
        when exists (select from finance.covering_approvals(w.payout_window)) then 'approved'
        else 'stored'
    end as state,
    w.payout_window is not distinct from finance.latest_closed_window() as is_latest,
    exists (
        select from finance.payout_lines as l
        where
            l.batch_id = p.batch_id
            and l.state in ('frozen', 'submitted', 'failed')
            and l.returned_at is null
    ) as is_under_way
from settlement.windows as w
inner join settlement.window_summary as s on w.payout_window = s.payout_window
cross join settlement_core.int_build as b
left join finance.payout_batches as p
    on w.payout_window = p.payout_window and p.state <> 'rejected'
where w.payout_window = %(window)s
