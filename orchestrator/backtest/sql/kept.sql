-- The policies of this grid whose measures are there already.
select t.policy from asof_backtest.tried as t where t.grid = %(grid)s
