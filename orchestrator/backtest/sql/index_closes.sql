create index on asof_backtest_staging.stg_finance__window_close_rows (payout_window, seller_id);
create index on asof_backtest_staging.stg_finance__payout_lines (payout_window, seller_id)
