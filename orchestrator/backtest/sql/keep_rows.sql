insert into asof_backtest.results
select
    %(policy)s,
    w.*
from asof_backtest.backtest_weeks as w
