-- Wait for the named lock and hold it until the transaction ends.
create or replace function finance.hold_lock(wanted text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into finance.locks (lock_name) values (wanted) on conflict do nothing;
    perform from finance.locks as l where l.lock_name = wanted for update;
end;
$$;
comment on function finance.hold_lock(text) is
'Waits for the lock of this name and holds it until the transaction ends.';

-- One run pays a window at a time. A session's lock, as no transaction is open across the network;
-- and as any login could hold such a lock, only a run of the same login is waited for.
create or replace function finance.take_turn(p_window text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_key constant bigint := hashtextextended('settle pay ' || p_window, 0);
begin
    return pg_try_advisory_lock(v_key) or not exists (
        select from pg_locks as l
        inner join pg_stat_activity as a on l.pid = a.pid
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and (l.classid::bigint << 32) | l.objid::bigint = v_key
        and l.database = (select d.oid from pg_database as d where d.datname = current_database())
        and a.usename = session_user
    );
end;
$$;
comment on function finance.take_turn(text) is
'Whether this session is the one that pays the window now; false while another run of this login is.';
