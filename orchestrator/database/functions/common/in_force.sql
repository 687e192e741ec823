-- The functions in force, compared with those that were applied.

create or replace function finance.functions_in_force()
returns table (function_name text, fingerprint text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select
        p.oid::regprocedure::text,
        encode(sha256(convert_to(concat_ws('|',
            pg_get_userbyid(p.proowner), p.prosecdef, p.provolatile,
            (select l.lanname from pg_language as l where l.oid = p.prolang),
            array_to_string(p.proacl, ','), array_to_string(p.proconfig, ','), pg_get_function_result(p.oid), p.prosrc,
            pg_get_function_sqlbody(p.oid)
        ), 'UTF8')), 'hex')
    from pg_proc as p
    inner join pg_namespace as n on p.pronamespace = n.oid
    where n.nspname in ('finance', 'halfin', 'portal', 'marketplace', 'handover', 'dbt_reads')
    or p.oid = 'public.settle_now()'::regprocedure
$$;
comment on function finance.functions_in_force() is
'Each function of ours as it is now: owner, rights, settings and source, as one SHA-256.';

create or replace function finance.keep_fingerprints() returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from finance.function_fingerprints;
    insert into finance.function_fingerprints select * from finance.functions_in_force()
$$;

create or replace function finance.changed_functions() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(f.function_name, k.function_name)
    from finance.functions_in_force() as f
    full join finance.function_fingerprints as k on f.function_name = k.function_name
    where f.fingerprint is distinct from k.fingerprint
    order by 1
$$;
comment on function finance.changed_functions() is
'Functions of ours that are not as they were applied: changed, added or gone.';

create or replace function finance.alert_changed_functions() returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with changed as (
        select string_agg(c, ', ') as names, count(*) as function_count
        from finance.changed_functions() as c
    ),
    alerted as (
        select finance.raise_alert_once('changed_functions', c.names,
            format('%s functions of the database are not as they were applied (%s): pause payouts, find out who changed them, then run settle db start',
                c.function_count, left(c.names, 300)))
        from changed as c where c.function_count > 0
    )
    select c.function_count from changed as c
    where (select count(*) from alerted) >= 0
$$;
comment on function finance.alert_changed_functions() is
'One alert for each set of functions that are not as they were applied; returns how many there are.';
