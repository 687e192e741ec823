-- The instant that a schema shows, and whether it was built whole.

-- Models ask for the instant by the schema they are built into. It is pinned for the whole build,
-- so that all relations of a schema speak of one moment, however long the build takes.
create or replace function finance.as_of(p_target_schema text) returns timestamptz
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        (
            select b.as_of from finance.build_instants as b
            where b.target_schema = p_target_schema
        ),
        public.settle_now()
    )
$$;
comment on function finance.as_of(text) is
'The instant that a schema of dbt''s shows: that of its latest build, or now where it was never built.';

create or replace function finance.cluster_identifier() returns bigint
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
    select s.system_identifier from pg_control_system() as s
$$;
comment on function finance.cluster_identifier() is
'What initdb named this server: numbers of transactions can be compared within one server only.';

create or replace function finance.begin_build(
    p_target_schema text, p_as_of timestamptz default null, p_invocation_id text default null
) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_as_of timestamptz := coalesce(p_as_of, public.settle_now());
    v_this bigint := (pg_current_xact_id()::text)::bigint;
    v_before bigint := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
begin
    if (p_target_schema like 'asof\_%') is distinct from (p_as_of is not null) then
        raise exception 'schema % cannot be built as of %: an instant goes with a schema named asof_..., the clock with any other',
            p_target_schema, coalesce(p_as_of::text, 'now');
    end if;
    -- On a cluster a transaction ends on the coordinator before it does on the workers, and waits
    -- there where one is down: until Citus has seen to it, it has not ended.
    if to_regclass('pg_catalog.pg_dist_transaction') is not null then
        select least(v_before, min(v_this - age(t.xmin)))
        into v_before from pg_dist_transaction as t;
    end if;
    insert into finance.build_instants (
        target_schema, as_of, invocation_id, landed_before, landed_in
    )
    values (
        p_target_schema, v_as_of, p_invocation_id, v_before, finance.cluster_identifier()
    )
    on conflict (target_schema) do update
    set as_of = excluded.as_of, invocation_id = excluded.invocation_id,
        landed_before = excluded.landed_before, landed_in = excluded.landed_in,
        completed_at = null;
    return v_as_of;
end;
$$;
comment on function finance.begin_build(text, timestamptz, text) is
'Pins the instant of a build of this schema, and notes which transactions had ended by then; returns the instant. One is given for schemas named asof_... alone, the others are built as of now.';

create or replace function finance.complete_build(p_target_schema text, p_invocation_id text default null)
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update finance.build_instants set completed_at = public.settle_now()
    where target_schema = p_target_schema and invocation_id is not distinct from p_invocation_id
$$;
comment on function finance.complete_build(text, text) is
'Notes that this build of the schema is whole; does nothing where another one has begun since.';
