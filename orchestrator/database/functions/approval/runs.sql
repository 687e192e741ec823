-- A window is paid in runs: first the payout day's; once its batch is accepted, and while the window is
-- the latest closed one, another for rows that are ready and have no line yet.

create or replace function finance.latest_batch(p_window text) returns finance.payout_batches
language sql stable set search_path = pg_catalog, pg_temp as $$
    select b.* from finance.payout_batches as b
    where b.payout_window = p_window and b.state <> 'rejected'
    order by b.run desc limit 1
$$;
comment on function finance.latest_batch(text) is
'The batch of a window''s latest run, rejected ones left out; null before the first freeze.';

create or replace function finance.rows_without_line(p_window text)
returns table (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text[]
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select h.* from finance.current_holds(p_window, null) as h
    where not exists (
        select from finance.payout_lines as l
        where l.payout_window = p_window and l.seller_id = h.seller_id and l.state <> 'rejected'
    )
$$;
comment on function finance.rows_without_line(text) is
'The stored rows of a window that no line pays, with what holds them now: what a further run can pay.';

create or replace function finance.run_after(p_batch finance.payout_batches, p_has_ready boolean)
returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case
        when p_batch.batch_id is null then 1
        when p_batch.state = 'accepted' and p_has_ready then p_batch.run + 1
        else p_batch.run
    end
$$;
comment on function finance.run_after(finance.payout_batches, boolean) is
'The run that a window is in, given its latest batch, and whether a row without a line is ready.';

create or replace function finance.current_run(p_window text) returns integer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_batch finance.payout_batches := finance.latest_batch(p_window);
    v_has_ready boolean := false;
begin
    -- Rows are looked at only where they decide: of those without a line one that nothing held at the
    -- close, or whose seller somebody has released. All others are still held.
    if v_batch.state = 'accepted' and p_window = finance.latest_closed_window() and exists (
        select from finance.window_close_rows as r
        where r.payout_window = p_window
        and (
            cardinality(r.hold_reasons) = 0
            or exists (select from finance.hold_releases as x where x.seller_id = r.seller_id)
        )
        and not exists (
            select from finance.payout_lines as l
            where l.payout_window = p_window and l.seller_id = r.seller_id and l.state <> 'rejected'
        )
    ) then
        v_has_ready := exists (
            select from finance.rows_without_line(p_window) as r
            where cardinality(r.hold_reasons) = 0
        );
    end if;
    return finance.run_after(v_batch, v_has_ready);
end;
$$;
comment on function finance.current_run(text) is
'The run of a window that people and programs speak of: the one that is not accepted yet, else the last one until a row without a line is ready.';

create or replace function finance.payout_runs(p_window text)
returns setof finance.payout_batches
language sql stable security definer rows 2 set search_path = pg_catalog, pg_temp as $$
    select distinct on (b.run) b.* from finance.payout_batches as b
    where b.payout_window = p_window
    order by b.run, b.attempt desc
$$;
comment on function finance.payout_runs(text) is
'The latest batch of each run of a window that was frozen, by run.';

create or replace function finance.run_name(p_window text, p_run integer) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when p_run > 1 then format('run %s of %s', p_run, p_window) else p_window end
$$;
comment on function finance.run_name(text, integer) is
'How messages name a run: the first one by its window.';

create or replace function finance.run_as_subject(p_window text, p_run integer) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when p_run > 1 then '' else 'window ' end || finance.run_name(p_window, p_run)
$$;
comment on function finance.run_as_subject(text, integer) is
'The name of a run at the head of a message: window 2026-W47, run 2 of 2026-W47.';

create or replace function finance.check_run() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if new.run > 1 and not exists (
        select from finance.payout_batches as b
        where b.payout_window = new.payout_window and b.run = new.run - 1 and b.state = 'accepted'
    ) then
        raise exception 'run % of % cannot be frozen: run % is not accepted', new.run,
            new.payout_window, new.run - 1;
    end if;
    return new;
end;
$$;
comment on function finance.check_run() is
'A run follows an accepted one: what may still come back from the one before is never in two batches.';

create or replace trigger check_run before insert on finance.payout_batches for each row
execute function finance.check_run();
