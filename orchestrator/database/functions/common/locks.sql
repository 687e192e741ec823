-- Wait for the named lock and hold it until the transaction ends.
create or replace function finance.hold_lock(wanted text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into finance.locks (lock_name) values (wanted) on conflict do nothing;
    perform from finance.locks as l where l.lock_name = wanted for update;
end;
$$;
