-- On the coordinator, once, as its administrator, after worker.sql on the workers:
--   psql settle --set owner=settlement --file deploy/citus/coordinator.sql
-- The owner makes roles and owns the database; it is no superuser. Its password: \password settlement
create extension if not exists citus;
create role :"owner" login createrole;
alter database :"DBNAME" owner to :"owner";
-- What these run is another session's: code in a model would leave a read-only transaction by them.
do $$
declare
    v_open regprocedure;
begin
    for v_open in
        select p.oid from pg_proc as p
        where p.proname ~ '^(run_command_on_|master_run_on_worker$)'
    loop
        execute format('revoke execute on function %s from public', v_open);
    end loop;
end;
$$;
grant execute on function run_command_on_workers, master_run_on_worker
to :"owner" with grant option;
