insert into asof_backtest.tried_weeks (grid, policy, payout_window, measures)
select
    %(grid)s,
    %(policy)s,
    w.payout_window,
    to_jsonb(w)
from {marts}.backtest_weeks as w
on conflict (policy, payout_window) do update
set grid = excluded.grid, measures = excluded.measures
