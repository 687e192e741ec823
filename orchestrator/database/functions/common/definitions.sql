-- The definitions in force, compared with those that were applied: functions, tables, constraints,
-- triggers and the grants that let somebody write.

create or replace function finance.our_schemas() returns setof pg_namespace
language sql stable set search_path = pg_catalog, pg_temp as $$
    select * from pg_namespace as n
    where n.nspname in ('finance', 'halfin', 'portal', 'marketplace', 'handover', 'dbt_reads')
$$;
comment on function finance.our_schemas() is 'The schemas in which every object is the owner''s.';

create or replace function finance.write_grants(p_rights aclitem[], p_owner oid)
returns setof text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select concat(
        case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
        ' ', a.privilege_type, case when a.is_grantable then ' with grant option' end
    )
    from aclexplode(p_rights) as a
    where a.grantee <> p_owner and a.privilege_type not in ('SELECT', 'USAGE', 'EXECUTE')
    order by 1
$$;
comment on function finance.write_grants(aclitem[], oid) is
'Who but the owner may write, and what; reading and calling are left out.';

create or replace function finance.functions_in_force()
returns table (object_name text, definition text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        p.oid::regprocedure::text,
        encode(sha256(convert_to(concat_ws('|',
            pg_get_userbyid(p.proowner), p.prosecdef, p.provolatile,
            (select l.lanname from pg_language as l where l.oid = p.prolang),
            array_to_string(p.proacl, ','), array_to_string(p.proconfig, ','), pg_get_function_result(p.oid), p.prosrc,
            pg_get_function_sqlbody(p.oid)
        ), 'UTF8')), 'hex')
    from pg_proc as p
    where p.pronamespace in (select n.oid from finance.our_schemas() as n)
    or p.oid = 'public.settle_now()'::regprocedure
$$;
comment on function finance.functions_in_force() is
'Each function of ours as it is now: owner, rights, settings and source, as one SHA-256.';

create or replace function finance.tables_in_force()
returns table (object_name text, definition text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        c.oid::regclass::text,
        concat_ws(E'\n',
            format('kind %s, owner %s', c.relkind, pg_get_userbyid(c.relowner)),
            case when c.relrowsecurity or c.relforcerowsecurity then 'row security' end,
            case c.relkind when 'v' then pg_get_viewdef(c.oid) end,
            (
                select string_agg(concat_ws(' ',
                    quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                    case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
                    case when a.attnotnull then 'not null' end,
                    nullif(a.attgenerated, ''), nullif(a.attidentity, ''),
                    pg_get_expr(d.adbin, d.adrelid)
                ), E'\n' order by a.attnum)
                from pg_attribute as a
                inner join pg_type as t on a.atttypid = t.oid
                left join pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ),
            (
                select string_agg(format('inherits %s', i.inhparent::regclass), E'\n' order by i.inhseqno)
                from pg_inherits as i where i.inhrelid = c.oid
            ),
            (
                select string_agg(pg_get_ruledef(r.oid), E'\n' order by r.rulename)
                from pg_rewrite as r where r.ev_class = c.oid and r.rulename <> '_RETURN'
            ),
            (
                select string_agg(concat_ws(' ', 'policy', p.polname, p.polcmd, p.polroles::regrole[]::text,
                    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
                ), E'\n' order by p.polname)
                from pg_policy as p where p.polrelid = c.oid
            ),
            -- A constraint's own index is compared with the constraint.
            (
                select string_agg(concat_ws(' ', pg_get_indexdef(i.indexrelid),
                    case when not i.indisvalid then 'not valid' end
                ), E'\n' order by i.indexrelid::regclass::text)
                from pg_index as i
                where i.indrelid = c.oid and i.indisunique
                and not exists (select from pg_constraint as k where k.conindid = i.indexrelid)
            )
        )
    from pg_class as c
    where c.relnamespace in (select n.oid from finance.our_schemas() as n)
    and c.relkind not in ('i', 'I', 't', 'c')
$$;
comment on function finance.tables_in_force() is
'Each table, view and sequence of ours as it is now: owner, columns, row security, rules, policies and unique indexes.';

create or replace function finance.constraints_in_force()
returns table (object_name text, definition text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        format('constraint %I on %s', k.conname, k.conrelid::regclass),
        concat_ws(' ', pg_get_constraintdef(k.oid),
            case when exists (
                select from pg_trigger as t where t.tgconstraint = k.oid and t.tgenabled <> 'O'
            ) then 'switched off' end
        )
    from pg_constraint as k
    where k.connamespace in (select n.oid from finance.our_schemas() as n) and k.conrelid <> 0
    -- That a column is not null is said with the column.
    and k.contype not in ('t', 'n')
$$;
comment on function finance.constraints_in_force() is
'Each constraint of a table of ours as it is now, and whether what enforces it is switched off.';

create or replace function finance.triggers_in_force()
returns table (object_name text, definition text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
        concat_ws(' ', pg_get_triggerdef(t.oid), case when t.tgenabled <> 'O' then 'not as made' end)
    from pg_trigger as t
    inner join pg_class as c on t.tgrelid = c.oid
    where c.relnamespace in (select n.oid from finance.our_schemas() as n) and not t.tgisinternal
    union all
    select format('event trigger %I', e.evtname), concat_ws(' ', e.evtevent, e.evtfoid::regprocedure, e.evtenabled)
    from pg_event_trigger as e
$$;
comment on function finance.triggers_in_force() is
'Each trigger on a table of ours as it is now, and every event trigger of the database.';

create or replace function finance.grants_in_force()
returns table (object_name text, definition text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select 'grants on ' || g.place, string_agg(g.allowed, ', ' order by g.allowed)
    from (
        select c.oid::regclass::text as place, w.allowed
        from pg_class as c
        cross join lateral finance.write_grants(c.relacl, c.relowner) as w (allowed)
        where c.relnamespace in (select n.oid from finance.our_schemas() as n)
        union all
        select c.oid::regclass::text, concat(w.allowed, ' (', a.attname, ')')
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        cross join lateral finance.write_grants(a.attacl, c.relowner) as w (allowed)
        where c.relnamespace in (select n.oid from finance.our_schemas() as n) and a.attnum > 0
        union all
        select 'schema ' || n.nspname, w.allowed
        from finance.our_schemas() as n
        cross join lateral finance.write_grants(n.nspacl, n.nspowner) as w (allowed)
        union all
        select format('what %s will make', pg_get_userbyid(d.defaclrole)), w.allowed
        from pg_default_acl as d
        cross join lateral finance.write_grants(d.defaclacl, d.defaclrole) as w (allowed)
        where pg_get_userbyid(d.defaclrole) = 'settle_owner'
    ) as g
    group by g.place
$$;
comment on function finance.grants_in_force() is
'Who but the owner may write to each table and schema of ours now.';

create or replace function finance.definitions_in_force()
returns table (object_name text, kind text, definition text)
language sql stable security definer set search_path = pg_catalog, pg_temp
-- In the same words whatever the session, the login or the server has set.
set quote_all_identifiers = off set timezone = 'UTC' set datestyle = 'ISO, YMD'
set intervalstyle = 'iso_8601' set extra_float_digits = 1 set bytea_output = 'hex' as $$
    select f.object_name, 'function', f.definition from finance.functions_in_force() as f
    union all
    select t.object_name, 'table', t.definition from finance.tables_in_force() as t
    union all
    select k.object_name, 'constraint', k.definition from finance.constraints_in_force() as k
    union all
    select t.object_name, 'trigger', t.definition from finance.triggers_in_force() as t
    union all
    select g.object_name, 'grants', g.definition from finance.grants_in_force() as g
$$;
comment on function finance.definitions_in_force() is
'Everything of ours in the database as it is now, in words; a function as a SHA-256.';

create or replace function finance.keep_definitions() returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from finance.applied_definitions;
    insert into finance.applied_definitions
    select f.object_name, f.kind, f.definition from finance.definitions_in_force() as f
$$;
comment on function finance.keep_definitions() is
'Takes what is in force for what was applied; settle db start does after it compared them.';

create or replace function finance.changed_definitions()
returns table (object_name text, kind text, was text, is_now text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select
        coalesce(f.object_name, k.object_name), coalesce(f.kind, k.kind), k.definition, f.definition
    from finance.definitions_in_force() as f
    full join finance.applied_definitions as k on f.object_name = k.object_name
    where f.definition is distinct from k.definition
    order by 1
$$;
comment on function finance.changed_definitions() is
'What of ours is not as it was applied: changed, added or gone, with what it was and what it is.';

create or replace function finance.alert_changed_definitions() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_names text;
    v_count bigint;
begin
    select string_agg(c.object_name, ', '), count(*) into v_names, v_count
    from finance.changed_definitions() as c;
    if v_count > 0 then
        -- Once for what was applied then: changed again after a repair, it is another alert.
        perform finance.raise_alert_once('changed_definitions',
            format('%s since %s', v_names, (select f.applied_at from finance.applied_functions as f)),
            format('definitions of the database are not as they were applied (%s): pause payouts, find out who changed them, then run settle db start',
                left(v_names, 300)));
    end if;
    return v_count;
end;
$$;
comment on function finance.alert_changed_definitions() is
'One alert for each set of definitions that are not as they were applied, and each repair; returns how many there are.';
