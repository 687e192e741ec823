drop table if exists asof_backtest.results
