-- Beyond one machine: the large tables on the workers of a Citus cluster, each seller's rows together.
-- The others stay on the coordinator, and with them all that decides about money.

create or replace function finance.large_tables() returns regclass[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- The first is where all others, and dbt's tables, take their places from.
    select array[
        'finance.window_close_entries', 'finance.window_close_facts',
        'handover.close_entries', 'handover.close_facts',
        'marketplace.orders', 'marketplace.order_fees', 'marketplace.refunds',
        'marketplace.dispute_events', 'marketplace.seller_charges'
    ]::regclass[]
$$;
comment on function finance.large_tables() is
'Those of our tables that have a row for each order or fact: distributed by seller on a cluster.';

-- Citus' catalog is named late: on a Postgres of its own there is none.
create or replace function finance.undistributed_tables() returns setof regclass
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from pg_extension as e where e.extname = 'citus') then
        return query select t.name from unnest(finance.large_tables()) as t (name);
        return;
    end if;
    return query
    select t.name from unnest(finance.large_tables()) with ordinality as t (name, place)
    where not exists (select from pg_dist_partition as p where p.logicalrelid = t.name)
    order by t.place;
end;
$$;
comment on function finance.undistributed_tables() is
'The large tables that are on this machine alone.';

create or replace function finance.require_distributed() returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from finance.undistributed_tables()) then
        raise exception 'dbt_project.yml says distributed: true, and % is on one machine: run settle db distribute, or set it to false',
            (select min(t::text) from finance.undistributed_tables() as t);
    end if;
end;
$$;
comment on function finance.require_distributed() is
'Raises unless the large tables are on the workers of a cluster. A build for a cluster asks it first.';

-- All in the caller's transaction: who is interrupted has distributed nothing, and begins again.
create or replace function finance.distribute() returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_fault record;
    v_key record;
    v_table regclass;
    v_views text;
    v_anchor regclass := (finance.large_tables())[1];
    v_count bigint := 0;
begin
    if not exists (select from pg_extension as e where e.extname = 'citus') then
        raise exception 'this database has no Citus: create extension citus on each node, add the workers with citus_add_node, then run settle db distribute';
    end if;
    if not exists (select from finance.undistributed_tables()) then
        return 0;
    end if;
    select f.node, f.problem into v_fault from finance.node_faults() as f
    where f.severity = 'error' or f.problem like 'it has no workers%'
    order by f.node, f.problem limit 1;
    if v_fault is not null then
        raise exception 'nothing was distributed: node % is not ready: %', v_fault.node, v_fault.problem;
    end if;
    -- What is kept as applied afterwards must be what was applied.
    if exists (select from finance.changed_definitions()) then
        raise exception 'nothing was distributed: definitions of this database are not as settle applied them (%): run settle db start first',
            (select min(c.object_name) from finance.changed_definitions() as c);
    end if;
    -- No build fills what moves.
    perform finance.hold_lock('build settlement');
    -- Ours only raise, and read nothing: on a part of a table they do what they do on all of it.
    perform set_config('citus.enable_unsafe_triggers', 'on', true);
    for v_table in select * from finance.undistributed_tables() loop
        -- Citus would make views of a build on each worker, where who owns them may not. The next
        -- build makes them anew.
        select string_agg(distinct c.oid::regclass::text, ', ') into v_views
        from pg_depend as d
        inner join pg_rewrite as r on d.objid = r.oid
        inner join pg_class as c on r.ev_class = c.oid
        where
            d.classid = 'pg_rewrite'::regclass and d.refobjid = v_table
            and c.relkind = 'v' and c.relowner = 'settle_dbt'::regrole;
        if v_views is not null then
            execute format('drop view %s cascade', v_views);
        end if;
        -- A row there names its close, which is on the coordinator; one function writes both.
        for v_key in
            select k.conname from pg_constraint as k
            where k.conrelid = v_table and k.contype = 'f'
        loop
            execute format('alter table %s drop constraint %I', v_table, v_key.conname);
        end loop;
        if v_table = v_anchor then
            perform create_distributed_table(v_table, 'seller_id', colocate_with => 'none');
        else
            perform create_distributed_table(
                v_table, 'seller_id', colocate_with => v_anchor::text
            );
        end if;
        v_count := v_count + 1;
    end loop;
    perform finance.keep_definitions();
    return v_count;
end;
$$;
comment on function finance.distribute() is
'The owner''s login, as settle db distribute: puts the large tables on the workers, rows and all, by seller; returns how many were not there yet.';
