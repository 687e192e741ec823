-- The nodes of a Citus cluster. On a Postgres of its own there are none.

create or replace function finance.roles_on_nodes() returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select array['settle_dbt', 'settle_owner', 'settle_reader']
$$;
comment on function finance.roles_on_nodes() is
'The group roles as which Citus connects to the other nodes of a cluster: what makes and owns our objects. They log in there alone.';

create or replace function finance.ask_nodes()
returns table (node text, facts jsonb, refusal text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_question text := format(
        $question$
        select jsonb_build_object(
            'clock_at', clock_timestamp(),
            'time_zone', current_setting('TimeZone'),
            'postgres', split_part(current_setting('server_version'), '.', 1),
            'citus', (select e.extversion from pg_extension as e where e.extname = 'citus'),
            'connections', current_setting('max_connections')::integer,
            'prepared', current_setting('max_prepared_transactions')::integer,
            'in_doubt', (
                select count(*) from pg_prepared_xacts as t
                where t.database = current_database() and t.prepared < now() - interval '10 minutes'
            ),
            'roles', (
                select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]') from pg_roles as r
                where r.rolcanlogin and r.rolname = any(%L)
            )
        )
        $question$,
        finance.roles_on_nodes()
    );
begin
    if not exists (select from pg_extension as e where e.extname = 'citus') then
        return;
    end if;
    node := 'coordinator';
    execute v_question into facts;
    return next;
    return query
    select
        format('%s:%s', w.nodename, w.nodeport),
        case when w.success then w.result::jsonb end,
        case when not w.success then split_part(w.result, E'\n', 1) end
    from run_command_on_workers(v_question) as w
    union all
    select format('%s:%s', d.nodename, d.nodeport), null, 'it is not active'
    from pg_dist_node as d where not d.isactive and d.groupid <> 0 and d.noderole = 'primary';
end;
$$;
comment on function finance.ask_nodes() is
'Each node of a Citus cluster with what it says of itself, or why it says nothing; the coordinator first.';

create or replace function finance.node_faults()
returns table (severity text, node text, problem text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with asked as materialized (
        select a.*, (a.facts ->> 'clock_at')::timestamptz as clock_at from finance.ask_nodes() as a
    ),
    coordinator as (
        select * from asked as a where a.node = 'coordinator'
    ),
    workers as (
        select a.*, c.facts as here
        from asked as a cross join coordinator as c where a.node <> 'coordinator'
    )
    select 'error', w.node, format(
        'the coordinator cannot ask it (%s): run settle db start, which lets our roles log in there;'
        ' else see its pg_hba.conf and its log', w.refusal
    )
    from workers as w where w.refusal is not null
    union all
    select 'error', w.node, format('%s may not log in there: run settle db start', m.roles)
    from workers as w
    cross join lateral (
        select string_agg(r, ', ') as roles from unnest(finance.roles_on_nodes()) as r
        where not w.facts -> 'roles' ? r
    ) as m
    where m.roles is not null
    union all
    select 'error', c.node, format(
        '%s may log in: set citus.enable_ddl_propagation = off; alter role %1$I nologin', r
    )
    from coordinator as c cross join lateral jsonb_array_elements_text(c.facts -> 'roles') as r
    union all
    select 'error', c.node, format(
        'anybody may call %s and leave a read-only session: revoke execute on it from public',
        p.oid::regprocedure
    )
    from coordinator as c
    inner join pg_proc as p on p.pronamespace = 'pg_catalog'::regnamespace
    where p.proname ~ '^(run_command_on_|master_run_on_worker$)'
    and has_function_privilege('public', p.oid, 'execute')
    union all
    select 'error', w.node, format(
        'it runs Citus %s on PostgreSQL %s, the coordinator %s on %s: upgrade all nodes together',
        w.facts ->> 'citus', w.facts ->> 'postgres', w.here ->> 'citus', w.here ->> 'postgres'
    )
    from workers as w
    where (w.facts ->> 'citus', w.facts ->> 'postgres') <> (w.here ->> 'citus', w.here ->> 'postgres')
    union all
    select
        case (w.facts ->> 'prepared')::integer when 0 then 'error' else 'warning' end, w.node,
        format(
            'max_prepared_transactions is %s: each of the coordinator''s connections may need one for'
            ' a write to several nodes; set it to %s or more',
            w.facts ->> 'prepared', w.here ->> 'connections'
        )
    from workers as w where (w.facts ->> 'prepared')::integer < (w.here ->> 'connections')::integer
    union all
    select 'warning', w.node, format(
        '%s transactions have been prepared there for 10 minutes: Citus ends them once the'
        ' coordinator reaches the node; never do it by hand', w.facts ->> 'in_doubt'
    )
    from workers as w where (w.facts ->> 'in_doubt')::integer > 0
    union all
    select 'warning', w.node, format(
        'its clock differs by %s s: run NTP on all nodes',
        round(extract(epoch from greatest(
            statement_timestamp() - w.clock_at, w.clock_at - clock_timestamp()
        )), 1)
    )
    from workers as w
    where w.clock_at not between statement_timestamp() - interval '1 second'
    and clock_timestamp() + interval '1 second'
    union all
    select 'warning', w.node, format(
        'its time zone is %s, the coordinator''s %s: set the same timezone on all nodes',
        w.facts ->> 'time_zone', w.here ->> 'time_zone'
    )
    from workers as w where w.facts ->> 'time_zone' <> w.here ->> 'time_zone'
    union all
    select 'warning', c.node, 'it has no workers: select citus_add_node(...), then settle db start'
    from coordinator as c where not exists (select from workers as w)
$$;
comment on function finance.node_faults() is
'What is wrong with the nodes of a Citus cluster, each an error or a warning with what to do. No rows where there is no Citus.';
