-- Go-live: from which window on a marketplace that something else paid before is paid from here.
-- Proposed by one person, approved by another, once, before the first close.

create or replace function finance.go_live() returns finance.go_lives
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select g.* from finance.go_lives as g where g.approved_at is not null
$$;
comment on function finance.go_live() is
'The go-live that two people agreed on; a row of nulls where there is none.';

-- The zone is the build's until the first close fixes it.
create or replace function finance.go_live_starts_at(p_window text) returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_zone text := (select b.settlement_timezone from handover.build as b);
    v_starts_at timestamptz;
begin
    if v_zone is null then
        raise exception 'nothing is built yet, so the settlement timezone is not known; run: settle build';
    end if;
    if p_window ~ '^[12][0-9]{3}-W[0-9]{2}$' then
        v_starts_at := finance.window_named(p_window, v_zone);
    end if;
    if finance.window_label(v_starts_at, v_zone) is distinct from p_window then
        raise exception '% is not an ISO week; write it like 2026-W47', p_window;
    end if;
    return v_starts_at;
end;
$$;

create or replace function finance.refuse_go_live_after_close() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_first text;
begin
    select c.payout_window into v_first from finance.window_closes as c
    order by c.window_starts_at limit 1;
    if v_first is not null then
        raise exception 'the close of % is stored: a marketplace goes live before its first close', v_first;
    end if;
end;
$$;

create or replace function finance.propose_go_live(p_window text, p_balances jsonb, p_note text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_starts_at timestamptz;
    v_other finance.go_lives;
    v_first record;
    v_id bigint;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    perform finance.refuse_go_live_after_close();
    v_starts_at := finance.go_live_starts_at(p_window);
    select g.* into v_other from finance.go_lives as g where g.withdrawn_at is null;
    if v_other.approved_at is not null then
        raise exception 'this marketplace goes live with %, as % and % agreed: that is decided once',
            v_other.payout_window, v_other.proposed_by, v_other.approved_by;
    elsif v_other.go_live_id is not null then
        raise exception 'go-live % with % waits for approval: withdraw it before another one is proposed',
            v_other.go_live_id, v_other.payout_window;
    -- Until then the old system goes on paying, and no window would exist here.
    elsif v_starts_at > public.settle_now() then
        raise exception 'window % begins at %, and what is owed then is not known before: propose its go-live then',
            p_window, v_starts_at;
    end if;
    -- Decided once, so a mistyped year would stay: each window since then has to be closed.
    select w.* into v_first from handover.windows as w order by w.window_starts_at limit 1;
    if v_starts_at < v_first.window_starts_at - interval '1 year' then
        raise exception 'window % is more than a year before %, the first window of what is loaded: check the year',
            p_window, v_first.payout_window;
    end if;
    perform finance.refuse_rows((
        select jsonb_agg(f) from (
            select s.line, s.fault from finance.seller_faults(p_balances) as s
            union all
            select r.line, finance.amount_fault(r.amount)
            from jsonb_to_recordset(p_balances) as r (line bigint, amount text)
        ) as f
    ));
    insert into finance.go_lives (payout_window, starts_at, note)
    values (p_window, v_starts_at, p_note) returning go_live_id into v_id;
    insert into finance.opening_balances (go_live_id, seller_id, amount_minor)
    select v_id, r.seller_id, (r.amount::numeric * 100)::bigint
    from jsonb_to_recordset(p_balances) as r (seller_id text, amount text);
    return v_id;
end;
$$;
comment on function finance.propose_go_live(text, jsonb, text) is
'Proposes the window with which this marketplace goes live, and what was owed to its sellers when it began: an array of {line, seller_id, amount}, or null. Returns its id.';

create or replace function finance.approve_go_live(p_go_live_id bigint) returns finance.go_lives
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_go_live finance.go_lives;
    v_obstacle text;
begin
    -- No close is stored meanwhile.
    perform finance.lock_decisions();
    select g.* into v_go_live from finance.go_lives as g where g.go_live_id = p_go_live_id;
    if v_go_live.go_live_id is null then
        raise exception 'there is no go-live %: see settle go-live list', p_go_live_id;
    elsif v_go_live.approved_at is not null then
        raise exception 'go-live % was approved by % before', p_go_live_id, v_go_live.approved_by;
    elsif v_go_live.withdrawn_at is not null then
        raise exception 'go-live % was withdrawn by %: propose it again', p_go_live_id,
            v_go_live.withdrawn_by;
    end if;
    v_obstacle := finance.second_person_obstacle(
        v_go_live.proposed_by, v_person, format('proposed go-live %s', p_go_live_id), 'approve it',
        'propose it again'
    );
    if v_obstacle is not null then
        raise exception '%', v_obstacle;
    end if;
    perform finance.refuse_go_live_after_close();
    if v_go_live.starts_at <> finance.go_live_starts_at(v_go_live.payout_window) then
        raise exception 'the settlement timezone has changed since go-live % was proposed: withdraw it and propose it again',
            p_go_live_id;
    end if;
    update finance.go_lives set approved_by = v_person, approved_at = finance.this_instant()
    where go_live_id = p_go_live_id returning * into v_go_live;
    return v_go_live;
end;
$$;
comment on function finance.approve_go_live(bigint) is
'Approves a go-live that somebody else proposed; returns its row. Raises once a close is stored, or where the settlement timezone has changed since.';

create or replace function finance.withdraw_go_live(p_go_live_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    perform finance.lock_decisions();
    update finance.go_lives set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where go_live_id = p_go_live_id and approved_at is null and withdrawn_at is null;
    if not found then
        raise exception 'go-live % is not open: see settle go-live list', p_go_live_id;
    end if;
end;
$$;
comment on function finance.withdraw_go_live(bigint) is
'Withdraws a go-live that waits. Raises where none waits under that id.';
