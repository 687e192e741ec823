grant select on all tables in schema
asof_backtest, asof_backtest_core, asof_backtest_seeds, asof_backtest_staging
to settle_analyst, settle_orchestrator
