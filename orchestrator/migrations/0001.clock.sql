-- The installation, its clock, and the calendar of payout windows.

create table finance.installation (
    only_row boolean primary key default true check (only_row),
    installation_id text not null default gen_random_uuid()::text,
    environment text not null default 'development'
    check (environment in ('development', 'demo', 'production')),
    -- Fixed by the first stored close; later builds must agree with them.
    settlement_timezone text,
    currency text
);
comment on table finance.installation is
'One row: what this database is for, and the zone and currency its closes are stored in.';
insert into finance.installation default values;

create table finance.clock (
    only_row boolean primary key default true check (only_row),
    now_at timestamptz not null
);
comment on table finance.clock is
'At most one row: the instant that stands in for the real time in tests and demos. Empty and locked in production.';

create function finance.guard_clock() returns trigger
language plpgsql set search_path = '' as $$
begin
    if (select i.environment from finance.installation as i) = 'production' then
        raise exception 'the clock is locked in production: unset SETTLE_NOW';
    end if;
    return new;
end;
$$;
create trigger guard_clock before insert or update on finance.clock
for each row execute function finance.guard_clock();

-- Security definer: every role may read the clock, none but the owner its table.
create function public.settle_now() returns timestamptz
language sql stable parallel safe security definer set search_path = '' as $$
    select coalesce((select c.now_at from finance.clock as c), now())
$$;
comment on function public.settle_now() is
'The one clock: the row of finance.clock where there is one, else the start of the transaction.';

create function finance.set_environment(p_environment text) returns void
language plpgsql set search_path = '' as $$
declare
    v_current text := (select i.environment from finance.installation as i);
begin
    if v_current = p_environment then
        return;
    end if;
    if v_current = 'production' then
        raise exception 'this database is production and stays so: SETTLE_ENV is %, use another database',
            p_environment;
    end if;
    if p_environment = 'production' then
        delete from finance.clock;
    end if;
    update finance.installation set environment = p_environment;
end;
$$;

create table finance.build_instants (
    target_schema text primary key,
    as_of timestamptz not null,
    -- Which build it is, so that of two at once neither completes the other.
    invocation_id text,
    -- Null while a build runs, after one that failed, and after one of a part of the models.
    completed_at timestamptz
);
comment on table finance.build_instants is
'The instant each target schema shows: for a live schema the clock when its last build began, for an as-of schema the instant that was asked for. Completed when every model was built for it.';

-- Models ask for the instant by the schema they are built into. It is pinned for the whole build,
-- so that all relations of a schema speak of one moment, however long the build takes.
create function finance.as_of(p_target_schema text) returns timestamptz
language sql stable parallel safe security definer set search_path = '' as $$
    select coalesce(
        (
            select b.as_of from finance.build_instants as b
            where b.target_schema = p_target_schema
        ),
        public.settle_now()
    )
$$;

create function finance.begin_build(
    p_target_schema text, p_as_of timestamptz default null, p_invocation_id text default null
) returns timestamptz
language plpgsql security definer set search_path = '' as $$
declare
    v_as_of timestamptz := coalesce(p_as_of, public.settle_now());
begin
    if (p_target_schema like 'asof\_%') is distinct from (p_as_of is not null) then
        raise exception 'schema % cannot be built as of %: an instant goes with a schema named asof_..., the clock with any other',
            p_target_schema, coalesce(p_as_of::text, 'now');
    end if;
    insert into finance.build_instants (target_schema, as_of, invocation_id)
    values (p_target_schema, v_as_of, p_invocation_id)
    on conflict (target_schema) do update
    set as_of = excluded.as_of, invocation_id = excluded.invocation_id, completed_at = null;
    return v_as_of;
end;
$$;

create function finance.complete_build(p_target_schema text, p_invocation_id text default null)
returns void
language sql security definer set search_path = '' as $$
    update finance.build_instants set completed_at = public.settle_now()
    where target_schema = p_target_schema and invocation_id is not distinct from p_invocation_id
$$;

-- A window is an ISO week of the settlement zone, half-open: Monday 00:00 to next Monday 00:00.
create function finance.window_starts_at(p_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select date_trunc('week', p_at at time zone p_timezone) at time zone p_timezone
$$;

create function finance.window_ends_at(p_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select (date_trunc('week', p_at at time zone p_timezone) + interval '7 days') at time zone p_timezone
$$;

create function finance.window_label(p_at timestamptz, p_timezone text) returns text
language sql stable parallel safe as $$
    select to_char(p_at at time zone p_timezone, 'IYYY-"W"IW')
$$;

create function finance.payout_due_at(p_starts_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select (date_trunc('week', p_starts_at at time zone p_timezone) + interval '8 days 8 hours')
        at time zone p_timezone
$$;
comment on function finance.payout_due_at(timestamptz, text) is
'Tuesday 08:00 local, in the week after the window that starts at p_starts_at.';
