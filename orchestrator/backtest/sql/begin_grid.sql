create table if not exists asof_backtest.tried (grid text not null, policy text not null)
