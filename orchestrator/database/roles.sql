-- Run before the migrations, by the login in SETTLE_DATABASE_URL (it needs createrole and must
-- own the database). Safe to repeat.
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'settle_owner', 'settle_dbt', 'settle_orchestrator', 'settle_webhook',
        'settle_finance', 'settle_portal', 'settle_analyst', 'settle_reader'
    ] loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I nologin', role_name);
        end if;
    end loop;
    -- The migrations run as settle_owner, so that every object has one owner.
    execute format('grant settle_owner to %I', current_user);
    execute format(
        'grant create on database %I to settle_owner, settle_dbt', current_database()
    );
    execute format('revoke connect, temporary on database %I from public', current_database());
    execute format(
        'grant connect on database %I to settle_owner, settle_dbt, settle_orchestrator,'
        ' settle_webhook, settle_finance, settle_portal, settle_analyst', current_database()
    );
    execute format('grant temporary on database %I to settle_dbt, settle_owner', current_database());
    grant create on schema public to settle_owner;
    -- Sellers' pages read what dbt computed through functions of this role: code in a model's view
    -- runs with its rights, which are dbt's own.
    execute format('grant settle_reader to %I', current_user);
    grant settle_dbt to settle_reader;
end;
$$;
create schema if not exists finance authorization settle_owner;
create schema if not exists portal authorization settle_owner;
create schema if not exists dbt_reads authorization settle_reader;
