-- The policies of this grid whose measures are there already.
select distinct t.policy from asof_backtest.tried_weeks as t where t.grid = %(grid)s
