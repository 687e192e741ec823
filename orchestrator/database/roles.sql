-- Run before the migrations, by the login in SETTLE_DATABASE_URL (it needs createrole and must
-- own the database). Safe to repeat.
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'settle_owner', 'settle_dbt', 'settle_orchestrator', 'settle_webhook',
        'settle_finance', 'settle_portal', 'settle_analyst', 'settle_reader', 'settle_marketplace'
    ] loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I nologin', role_name);
        end if;
    end loop;
    -- The migrations run as settle_owner, so that every object has one owner.
    execute format('grant settle_owner to %I', current_user);
    execute format('grant create on database %I to settle_owner', current_database());
    -- A schema named like another login's would come first in that login's search path.
    execute format('revoke create on database %I from settle_dbt', current_database());
    -- Of every login and every client, psql too; only the owner creates in public.
    execute format(
        'alter database %I set search_path = pg_catalog, public, pg_temp', current_database()
    );
    execute format('revoke connect, temporary on database %I from public', current_database());
    execute format(
        'grant connect on database %I to settle_owner, settle_dbt, settle_orchestrator,'
        ' settle_webhook, settle_finance, settle_portal, settle_analyst, settle_marketplace',
        current_database()
    );
    execute format('grant temporary on database %I to settle_dbt, settle_owner', current_database());
    grant create on schema public to settle_owner;
    revoke create on schema public from public;
    -- Sellers' pages read what dbt computed through functions of this role: code in a model's view
    -- runs with its rights, which are dbt's own.
    execute format('grant settle_reader to %I', current_user);
    grant settle_dbt to settle_reader;
end;
$$;
create schema if not exists finance authorization settle_owner;
create schema if not exists portal authorization settle_owner;
create schema if not exists dbt_reads authorization settle_reader;
-- dbt's schemas were its own once: it could open them to whom it liked. functions/grants.sql says
-- whose they are.
do $$
declare
    schema_name text;
begin
    for schema_name in
        select n.nspname from pg_catalog.pg_namespace as n
        where pg_catalog.pg_get_userbyid(n.nspowner) = 'settle_dbt'
    loop
        execute format('alter schema %I owner to settle_owner', schema_name);
        execute format('grant create on schema %I to settle_dbt', schema_name);
    end loop;
end;
$$;
-- Large objects belong to whoever makes them and to no schema: readers could fill the disk.
-- Advisory locks have no grants, and all logins share the room for locks: one could fill it. Any
-- login may end sessions of its own: code in a view that one of them reads would end a payout's.
-- And any could write to the log that is archived, and on a Citus cluster run a command of another
-- session's on a node. Where the owner is no superuser the administrator does this (see
-- deploy/README.md and docs/operations/cluster.md).
do $$
declare
    open_function regprocedure;
begin
    if (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user) then
        for open_function in
            select p.oid from pg_catalog.pg_proc as p
            where
                p.pronamespace = 'pg_catalog'::regnamespace
                and (
                    p.proname in (
                        'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lowrite',
                        'pg_cancel_backend', 'pg_terminate_backend', 'pg_logical_emit_message'
                    )
                    or p.proname ~ '^(pg_(try_)?advisory_|run_command_on_|master_run_on_worker$)'
                )
        loop
            execute format('revoke execute on function %s from public', open_function);
        end loop;
        grant execute on function
        pg_catalog.pg_try_advisory_lock(bigint), pg_catalog.pg_terminate_backend(integer, bigint)
        to settle_owner;
        -- A decision is told from code in a view by the words of the call stack.
        execute format('alter database %I set lc_messages = ''C''', current_database());
    end if;
end;
$$;
