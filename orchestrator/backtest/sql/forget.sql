drop table if exists asof_backtest.results, asof_backtest.tried
