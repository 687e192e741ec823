-- What is kept of the policies tried, one after another or at the same time: a row of backtest_weeks
-- each. It outlives the schemas' other tables, which each policy makes anew.
create table if not exists asof_backtest.tried_weeks (
    grid text not null,
    policy text not null,
    payout_window text not null,
    measures jsonb not null,
    primary key (policy, payout_window)
)
