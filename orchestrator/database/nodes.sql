-- Run after roles.sql by the same login, and by each settle db start: a node may be new. On a Citus
-- cluster alone: Citus makes a role of the coordinator on its workers, and connects to them as the
-- current role. Those that own our objects log in on the workers, and only there; the workers'
-- pg_hba.conf lets in the other nodes and nobody else (docs/operations/cluster.md).
do $$
declare
    v_alter text := $alter$
        do $do$
        declare
            v_role text;
        begin
            perform set_config('citus.enable_ddl_propagation', 'off', true);
            foreach v_role in array array['settle_dbt', 'settle_owner', 'settle_reader'] loop
                if not (select r.rolcanlogin from pg_roles as r where r.rolname = v_role) then
                    execute format('alter role %I login', v_role);
                end if;
            end loop;
        end;
        $do$
    $alter$;
    v_refused text;
begin
    if not exists (select from pg_catalog.pg_extension as e where e.extname = 'citus') then
        return;
    end if;
    -- The first of them calls the second with the rights of whoever calls it.
    if exists (
        select from pg_catalog.pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace
        and p.proname in ('run_command_on_workers', 'master_run_on_worker')
        and not has_function_privilege(p.oid, 'execute with grant option')
    ) then
        raise exception 'this is a Citus cluster, and % may not prepare its nodes: as the administrator'
            ' grant execute on function run_command_on_workers, master_run_on_worker to % with grant'
            ' option', current_user, quote_ident(current_user);
    end if;
    grant execute on function pg_catalog.run_command_on_workers, pg_catalog.master_run_on_worker
    to settle_owner;
    select string_agg(
        format('%s:%s: %s', w.nodename, w.nodeport, split_part(w.result, E'\n', 1)), '; '
    )
    into v_refused
    from run_command_on_workers(v_alter) as w
    where not w.success;
    if v_refused is not null then
        raise exception 'a worker of this Citus cluster refuses what settle needs there (%): see its'
            ' pg_hba.conf and its log, then run settle db start again', v_refused;
    end if;
end;
$$;
