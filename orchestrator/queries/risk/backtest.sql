-- The report of a finished backtest.
select
    b.finished_at,
    b.document
from finance.backtests as b
where b.backtest_id = %(backtest)s
