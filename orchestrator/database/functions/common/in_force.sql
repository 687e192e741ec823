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
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_names text;
    v_count bigint;
begin
    select string_agg(c, ', '), count(*) into v_names, v_count from finance.changed_functions() as c;
    if v_count > 0 then
        -- Once for what was applied then: changed again after a repair, it is another alert.
        perform finance.raise_alert_once('changed_functions',
            format('%s since %s', v_names, (select f.applied_at from finance.applied_functions as f)),
            format('functions of the database are not as they were applied (%s): pause payouts, find out who changed them, then run settle db start',
                left(v_names, 300)));
    end if;
    return v_count;
end;
$$;
comment on function finance.alert_changed_functions() is
'One alert for each set of functions that are not as they were applied, and each repair; returns how many there are.';
