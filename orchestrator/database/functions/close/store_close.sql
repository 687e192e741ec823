-- The only writer of stored closes. It copies what dbt computed, after checking that the copy is
-- the right one: built after the window's end, from this zone and currency, in order, once.
create or replace function finance.store_close(p_window text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
set default_statistics_target = 25 as $$
declare
    v_build record;
    v_window record;
    v_latest record;
    v_go_live finance.go_lives;
    v_earlier text;
begin
    perform finance.require_plain_call();
    -- One close at a time, and none while a batch is being frozen.
    perform finance.lock_decisions();
    -- A handover that somebody left open must not keep people from deciding.
    perform set_config('lock_timeout', '3s', true);
    if exists (select from finance.window_closes where payout_window = p_window) then
        return false;
    end if;
    if not exists (select from handover.build) then
        raise exception 'nothing is built yet, so % cannot be closed; run: settle build', p_window;
    end if;
    select b.*, i.landed_before, i.landed_in into v_build from handover.build as b
    inner join finance.build_instants as i
        on i.target_schema = 'settlement' and i.as_of = b.as_of and i.completed_at is not null;
    if v_build is null then
        raise exception 'the last build of the live schemas is not whole: build all of it, then close %',
            p_window;
    end if;
    select w.* into v_window from handover.windows as w where w.payout_window = p_window;
    if v_window is null then
        raise exception 'window % does not exist: there are those from % to %', p_window,
            (select w.payout_window from handover.windows as w order by w.window_starts_at limit 1),
            (select w.payout_window from handover.windows as w order by w.window_starts_at desc limit 1);
    end if;
    -- Below zero it would close weeks that are not over, and years to come with them.
    if v_build.close_lag < interval '0' then
        raise exception 'the build would close a window % from its end, and a window is closed after it: set close_lag_minutes to 0 or more, and build again',
            v_build.close_lag;
    end if;
    if v_window.window_ends_at + v_build.close_lag > public.settle_now() then
        raise exception 'window % is still open: it closes at %', p_window,
            v_window.window_ends_at + v_build.close_lag;
    end if;
    if v_build.as_of < v_window.window_ends_at + v_build.close_lag then
        raise exception 'window % was computed as of %, before its end: build again', p_window,
            v_build.as_of;
    end if;
    if exists (
        select from finance.installation as i
        where (i.settlement_timezone, i.currency)
            is distinct from (v_build.settlement_timezone, v_build.currency)
        and i.settlement_timezone is not null
    ) then
        raise exception 'the closes so far are in % and %, this build is in % and %: neither may change'
            ' once a close is stored',
            (select i.settlement_timezone from finance.installation as i),
            (select i.currency from finance.installation as i),
            v_build.settlement_timezone, v_build.currency;
    end if;
    select c.* into v_latest from finance.window_closes as c
    order by c.window_starts_at desc limit 1;
    if v_latest.window_starts_at > v_window.window_starts_at then
        raise exception 'window % is before %, the latest stored close: it can no longer be stored',
            p_window, v_latest.payout_window;
    end if;
    v_go_live := finance.go_live();
    if v_go_live.starts_at > v_window.window_starts_at then
        raise exception 'window % is before the go-live with %: it was settled elsewhere and is never closed here',
            p_window, v_go_live.payout_window;
    elsif v_go_live.approved_at > v_build.as_of then
        raise exception 'window % was computed before the go-live with % was approved: build again',
            p_window, v_go_live.payout_window;
    elsif v_go_live.starts_at
        <> finance.window_named(v_go_live.payout_window, v_build.settlement_timezone) then
        raise exception 'the go-live with % begins at %, which is not its week in %: set settlement_timezone back',
            v_go_live.payout_window, v_go_live.starts_at, v_build.settlement_timezone;
    elsif v_latest.payout_window is null and not exists (
        select from handover.windows as w where w.window_starts_at = v_go_live.starts_at
    ) and v_go_live.starts_at is not null then
        raise exception 'the last build has no window %, with which this marketplace goes live: nothing was stored, build again',
            v_go_live.payout_window;
    end if;
    if v_build.stored_until is distinct from coalesce(v_latest.window_ends_at, '-infinity') and not exists (
        -- Closes stored since the build came from that same build, one after another.
        select from finance.window_closes as c
        where c.window_starts_at >= v_build.stored_until
        and c.window_ends_at = v_window.window_starts_at
    ) then
        raise exception 'window % was computed before % was stored: build again', p_window,
            v_latest.payout_window;
    end if;
    select w.payout_window into v_earlier
    from handover.windows as w
    where w.window_starts_at < v_window.window_starts_at
    and w.window_starts_at >= coalesce(v_latest.window_ends_at, '-infinity')
    order by w.window_starts_at limit 1;
    if v_earlier is not null then
        raise exception 'window % has no stored close yet: close it before %', v_earlier, p_window;
    end if;
    perform finance.refuse_changed_policies();
    update finance.installation
    set settlement_timezone = v_build.settlement_timezone, currency = v_build.currency
    where settlement_timezone is null;
    insert into finance.window_closes (
        payout_window, window_starts_at, window_ends_at, payout_due_at, settlement_timezone,
        currency, row_count, net_minor, absorbed_disputes_minor, landed_before,
        landed_in, currencies_digest
    )
    select
        p_window, v_window.window_starts_at, v_window.window_ends_at, v_window.payout_due_at,
        v_build.settlement_timezone, v_build.currency, c.row_count, c.net_minor,
        c.absorbed_disputes_minor, v_build.landed_before, v_build.landed_in,
        v_build.currencies_digest
    from handover.closes as c where c.payout_window = p_window;
    if not found then
        raise exception 'the last build handed over no rows of %: build again, then close it', p_window;
    end if;
    insert into finance.window_close_rows
    select r.* from handover.close_rows as r where r.payout_window = p_window;
    insert into finance.window_close_sums
    select
        r.payout_window, r.rail, cardinality(r.hold_reasons) > 0, count(*), sum(r.order_count),
        sum(r.net_minor), sum(r.carried_forward_minor), sum(greatest(r.net_minor, 0))
    from finance.window_close_rows as r where r.payout_window = p_window
    group by r.payout_window, r.rail, cardinality(r.hold_reasons) > 0;
    perform finance.store_entries(p_window);
    insert into finance.window_close_facts
    select f.* from handover.close_facts as f where f.payout_window = p_window;
    insert into finance.window_close_health
    select h.* from handover.close_health as h where h.payout_window = p_window;
    perform finance.keep_policy_versions(p_window);
    perform finance.store_flag_assignments(p_window);
    -- A window is its calendar's, whatever was built.
    if (v_window.payout_window, v_window.window_starts_at, v_window.window_ends_at, v_window.payout_due_at)
        is distinct from (
            finance.window_label(v_window.window_starts_at, v_build.settlement_timezone),
            finance.window_starts_at(v_window.window_starts_at, v_build.settlement_timezone),
            finance.window_ends_at(v_window.window_starts_at, v_build.settlement_timezone),
            finance.payout_due_at(
                v_window.window_starts_at, v_build.settlement_timezone,
                array(select h.day from handover.payout_holidays as h)
            )
        ) then
        raise exception 'window % was built from % to %, due %, which is not its week in %: nothing was stored; find out which model says so',
            p_window, v_window.window_starts_at, v_window.window_ends_at, v_window.payout_due_at,
            v_build.settlement_timezone;
    end if;
    -- Until the server has looked by itself, weeks of closes later, whoever reads the window expects one
    -- row of it, and compares each of its sellers with each. Citus refuses it within a function.
    if to_regclass('pg_catalog.pg_dist_transaction') is null then
        analyze (skip_locked) finance.window_close_rows, finance.window_close_health;
    end if;
    perform finance.check_close(p_window, v_latest.payout_window);
    return true;
end;
$$;
comment on function finance.store_close(text) is
'Stores the computed rows of a closed window, append-only. True when stored now, false when it was stored before.';

create or replace function finance.store_entries(p_window text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_again record;
begin
    insert into finance.window_close_entries
    select e.* from handover.close_entries as e where e.payout_window = p_window;
exception when unique_violation then
    -- Looked for only then: an entry is settled in one window, ever.
    select w.entry_type, w.source_id, w.seller_id, w.payout_window into v_again
    from handover.close_entries as e
    inner join finance.window_close_entries as w
        on e.seller_id = w.seller_id and e.source_id = w.source_id and e.entry_type = w.entry_type
    where e.payout_window = p_window
    order by w.seller_id, w.source_id, w.entry_type limit 1;
    raise exception '% % of seller % is in the close of % already and was computed for % again, as its fact was changed since: nothing was stored; put the fact back as it was and build again',
        v_again.entry_type, v_again.source_id, v_again.seller_id, v_again.payout_window, p_window;
end;
$$;
comment on function finance.store_entries(text) is
'Stores the entries of a window as they were handed over. Raises where one is in an earlier close.';
