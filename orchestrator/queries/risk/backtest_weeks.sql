-- One row per policy and window of a backtest, as settlement.backtest_weeks describes them, with the
-- losses so far: what was absorbed, and what is owed at the close.
select
    t.policy,
    r.*,
    sum(r.absorbed) over (partition by t.policy order by r.window_ends_at) + r.negative_balances
        as losses_so_far
from asof_backtest.tried_weeks as t
cross join lateral jsonb_populate_record(null::asof_backtest.backtest_weeks, t.measures) as r
where
    r.payout_window >= coalesce(%(first)s, r.payout_window)
    and r.payout_window <= coalesce(%(last)s, r.payout_window)
order by t.policy = %(tried)s desc, t.policy, r.window_ends_at
