-- Facts with a defect by reason: those that became known in the window, all there are, and how many
-- of these have no effect. What came late has none, and stands in close/totals.
select
    e.reason,
    count(*) filter (
        where (e.known_at >= c.window_starts_at and e.known_at < c.window_ends_at)
        or e.payout_window = c.payout_window
    ) as in_this_window,
    count(*) as ever,
    count(*) filter (where e.is_without_effect) as without_effect
from settlement.data_exceptions as e
cross join finance.window_closes as c
where c.payout_window = %(window)s and e.reason <> 'posted_late'
group by e.reason
order by e.reason
