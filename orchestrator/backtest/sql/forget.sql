-- All but the policies of this grid; an empty name is no grid.
delete from asof_backtest.tried_weeks where grid = '' or grid <> %(grid)s
