-- Lines of earlier windows are in no balance any more, and none of them failed.
insert into asof_backtest_staging.earlier_lines
select * from asof_backtest_staging.stg_finance__payout_lines;
truncate asof_backtest_staging.stg_finance__payout_lines
