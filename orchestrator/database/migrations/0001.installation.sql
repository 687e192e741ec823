-- What this database is for, its clock, and what later tables are guarded with.

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

create table finance.applied_functions (
    only_row boolean primary key default true check (only_row),
    sha256 text not null,
    applied_at timestamptz not null default now()
);
comment on table finance.applied_functions is
'At most one row: the state of the functions folder that this database has.';

create table finance.clock (
    only_row boolean primary key default true check (only_row),
    now_at timestamptz not null
);
comment on table finance.clock is
'At most one row: the instant that stands in for the real time in tests and demos. Empty and locked in production.';

-- Security definer: every role may read the clock, none but the owner its table.
create function public.settle_now() returns timestamptz
language sql stable parallel safe security definer set search_path = '' as $$
    select coalesce((select c.now_at from finance.clock as c), now())
$$;
comment on function public.settle_now() is
'The one clock: the row of finance.clock where there is one, else the start of the transaction.';

create table finance.build_instants (
    target_schema text primary key,
    as_of timestamptz not null,
    -- Which build it is, so that of two at once neither completes the other.
    invocation_id text,
    -- Transactions before this one had ended when the build began: it sees all they wrote.
    landed_before bigint not null,
    -- The cluster that counts the transactions: another one, after a restore, counts anew.
    landed_in bigint not null,
    -- Null while a build runs, after one that failed, and after one of a part of the models.
    completed_at timestamptz
);
comment on table finance.build_instants is
'The instant each target schema shows: for a live schema the clock when its last build began, for an as-of schema the instant that was asked for. Completed when every model was built for it.';

create function finance.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception '%.% is append-only: % refused; record a new row instead',
        tg_table_schema, tg_table_name, lower(tg_op);
end;
$$;

-- Only the named columns of a row may ever change.
create function finance.allow_columns() returns trigger
language plpgsql set search_path = '' as $$
begin
    if (to_jsonb(new) - tg_argv) is distinct from (to_jsonb(old) - tg_argv) then
        raise exception '%.% is immutable but for %', tg_table_schema, tg_table_name,
            array_to_string(tg_argv, ', ');
    end if;
    return new;
end;
$$;
