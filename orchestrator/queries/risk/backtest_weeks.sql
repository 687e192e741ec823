-- One row per policy and window of a backtest, as settlement.backtest_weeks describes them, with the
-- losses so far: what was absorbed, and what is owed at the close.
select
    r.*,
    sum(r.absorbed) over (partition by r.policy order by r.window_ends_at) + r.negative_balances
        as losses_so_far
from asof_backtest.results as r
where
    r.payout_window >= coalesce(%(first)s, r.payout_window)
    and r.payout_window <= coalesce(%(last)s, r.payout_window)
order by r.policy = %(tried)s desc, r.policy, r.window_ends_at
