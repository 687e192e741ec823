create index on asof_backtest_staging.stg_finance__window_close_rows (payout_window, seller_id);
create unlogged table asof_backtest_staging.earlier_lines as
select * from asof_backtest_staging.stg_finance__payout_lines
