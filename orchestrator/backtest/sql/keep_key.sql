insert into asof_backtest.tried (grid, policy) values (%(grid)s, %(policy)s)
