-- What backtests came to, as they were reported: the console shows them, and on what figures a policy
-- was chosen can be looked up later.

create table finance.backtests (
    backtest_id bigint generated always as identity primary key,
    -- As settle backtest --json prints it.
    document jsonb not null check (document ?& array['tried', 'from', 'to', 'currency', 'limits']),
    finished_at timestamptz not null default public.settle_now()
);
comment on table finance.backtests is
'One row per backtest that was finished: its report, money in the settlement currency. Append-only.';
create trigger append_only before update or delete or truncate on finance.backtests
for each statement execute function finance.refuse_change();
