-- The measures of the policies tried, one after another.
create unlogged table if not exists asof_backtest.results as
select
    ''::text as policy,
    w.*
from asof_backtest.backtest_weeks as w
with no data
