-- What sellers and the backend are told: rows of the transaction that did it, posted afterwards.

create table finance.events (
    event_number bigint generated always as identity primary key,
    -- Made of what it says, so that after a restore the same event has the same id.
    event_id text not null unique check (event_id ~ '^msg_[0-9a-f]{32}$'),
    event_type text not null check (event_type in (
        'payout.held', 'payout.submitted', 'payout.paid', 'payout.failed', 'payout.returned',
        'reserve.released'
    )),
    seller_id text collate "C" not null,
    payout_window text not null references finance.window_closes,
    line_id text references finance.payout_lines,
    data jsonb,
    recorded_at timestamptz not null default public.settle_now(),
    -- The seller's first event is 1; null until the transaction commits.
    sequence bigint check (sequence > 0),
    data_sha256 bytea,
    pruned_at timestamptz,
    unique (seller_id, sequence),
    constraint events_pruned check ((data is null) = (pruned_at is not null))
);
comment on table finance.events is
'The outbox: one row per event that concerns a seller, written by the transaction that did it. Append-only; numbered by seller as transactions commit.';
create index events_window on finance.events (seller_id, payout_window);
create index events_unnumbered on finance.events (seller_id) where sequence is null;
create index events_raw on finance.events (recorded_at) where data is not null;

create table finance.event_sequences (
    seller_id text collate "C" primary key,
    last_sequence bigint not null check (last_sequence > 0)
);
comment on table finance.event_sequences is
'One row per seller: the number of their last event. Its lock keeps the order of commits.';

create table finance.event_deliveries (
    event_number bigint primary key references finance.events,
    seller_id text collate "C" not null,
    sequence bigint not null,
    attempts integer not null default 0 check (attempts >= 0),
    -- While an attempt is under way, the instant from which on it counts as lost.
    next_attempt_at timestamptz not null,
    expires_at timestamptz not null,
    last_attempt_at timestamptz,
    last_problem text,
    posted_at timestamptz,
    given_up_at timestamptz,
    check (posted_at is null or given_up_at is null)
);
comment on table finance.event_deliveries is
'One row per event that was committed: whether SETTLE_EVENTS_URL has taken it, and when it is tried next.';
create index event_deliveries_waiting on finance.event_deliveries (seller_id, sequence)
where posted_at is null and given_up_at is null;
create index event_deliveries_expiring on finance.event_deliveries (expires_at)
where posted_at is null and given_up_at is null;

create table finance.event_replays (
    replay_id bigint generated always as identity primary key,
    event_number bigint not null references finance.events,
    replayed_by text not null default session_user,
    replayed_at timestamptz not null default public.settle_now()
);
comment on table finance.event_replays is 'One row per event that somebody asked to have posted again.';

create trigger number_once before update on finance.events for each row
when (old.sequence is null) execute function finance.allow_columns('sequence');
create trigger only_prune before update on finance.events for each row
when (old.sequence is not null)
execute function finance.only_prune('recorded_at', 'data', 'data_sha256');
create trigger immutable before update on finance.event_sequences for each row
execute function finance.allow_columns('last_sequence');
create trigger immutable before update on finance.event_deliveries for each row
execute function finance.allow_columns(
    'attempts', 'next_attempt_at', 'expires_at', 'last_attempt_at', 'last_problem', 'posted_at',
    'given_up_at'
);

do $$
declare
    table_name text;
begin
    foreach table_name in array array['events', 'event_sequences', 'event_deliveries'] loop
        execute format(
            'create trigger no_delete before delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
    execute 'create trigger append_only before update or delete or truncate on finance.event_replays'
        ' for each statement execute function finance.refuse_change()';
end;
$$;
