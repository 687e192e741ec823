-- The measures of one more policy.
create unlogged table if not exists asof_backtest.results as
select
    ''::text as policy,
    w.*
from asof_backtest.backtest_weeks as w
with no data
