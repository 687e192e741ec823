-- Facts without effect: those that became known in the window, and all there are.
select
    e.reason,
    count(*) filter (
        where (e.known_at >= c.window_starts_at and e.known_at < c.window_ends_at)
        or e.payout_window = c.payout_window
    ) as in_this_window,
    count(*) as ever
from settlement.data_exceptions as e
cross join finance.window_closes as c
where c.payout_window = %(window)s
group by e.reason
order by e.reason
