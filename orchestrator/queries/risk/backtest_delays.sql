-- The delay curve: of all disputes, the share that is known by the end of each week after the order.
select d.* from asof_backtest.dispute_delays as d order by d.delay_weeks
