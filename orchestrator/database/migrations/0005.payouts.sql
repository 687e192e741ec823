-- Batches: frozen from approved lines, sent once per key, moved only by answers and outcomes.

create table finance.payout_batches (
    batch_id bigint generated always as identity primary key,
    payout_window text not null references finance.window_closes,
    attempt integer not null check (attempt > 0),
    digest text not null,
    currency text not null,
    line_count bigint not null check (line_count > 0),
    total_minor numeric not null check (total_minor > 0),
    frozen_at timestamptz not null default public.settle_now(),
    frozen_by text not null default session_user,
    state text not null default 'frozen'
    check (state in ('frozen', 'submitting', 'accepted', 'rejected', 'unknown')),
    answered_at timestamptz,
    state_note text,
    unique (payout_window, attempt)
);
create unique index payout_batches_one_standing on finance.payout_batches (payout_window)
where state <> 'rejected';
comment on table finance.payout_batches is
'One row per attempt to pay a window; at most one that is not rejected, ever. Immutable but for its state columns.';

create table finance.batch_approvals (
    batch_id bigint not null references finance.payout_batches,
    approval_id bigint not null references finance.approvals,
    primary key (batch_id, approval_id)
);

create table finance.batch_left_out (
    batch_id bigint not null references finance.payout_batches,
    seller_id text collate "C" not null,
    net_minor bigint not null,
    hold_reason text not null,
    primary key (batch_id, seller_id)
);
comment on table finance.batch_left_out is
'Approved lines that became held between the approval and the freeze.';

create table finance.batch_rejections (
    batch_id bigint not null references finance.payout_batches,
    note text not null check (note <> ''),
    declared_by text not null default session_user,
    declared_at timestamptz not null default public.settle_now(),
    primary key (batch_id, declared_by)
);
comment on table finance.batch_rejections is
'People''s word, after asking the rail, that it does not have a batch whose answer is unknown; it takes two.';

create table finance.payout_calls (
    batch_id bigint not null references finance.payout_batches,
    sequence integer not null check (sequence > 0),
    idempotency_key text not null,
    path text not null check (path like '/%'),
    body text not null,
    body_sha256 text not null check (body_sha256 = encode(sha256(convert_to(body, 'UTF8')), 'hex')),
    line_count integer not null check (line_count > 0),
    state text not null default 'ready'
    check (state in ('ready', 'sending', 'accepted', 'rejected', 'unknown')),
    rail_batch_id text unique,
    primary key (batch_id, sequence),
    unique (batch_id, idempotency_key)
);
comment on table finance.payout_calls is
'The calls of a batch with the exact bytes to send, written before the first is made. Every try sends this body under this key.';

create table finance.call_attempts (
    batch_id bigint not null,
    sequence integer not null,
    attempt integer not null check (attempt > 0),
    begun_at timestamptz not null default public.settle_now(),
    begun_by text not null default session_user,
    -- Null until there is an answer, for ever where the process died; 0 where there was none.
    http_status integer,
    -- Whether the rail may have read this try; null is as good as true.
    was_sent boolean,
    request_id text,
    response text check (response !~ 'sk_(test|live)_'),
    ended_at timestamptz,
    primary key (batch_id, sequence, attempt),
    foreign key (batch_id, sequence) references finance.payout_calls,
    check ((ended_at is null) = (http_status is null))
);
comment on table finance.call_attempts is
'Each try of a call, committed before it is made, and what came of it; never the key.';

create unlogged table finance.answer_pieces (
    batch_id bigint not null,
    sequence integer not null,
    attempt integer not null,
    piece integer not null,
    content bytea not null,
    primary key (batch_id, sequence, attempt, piece)
);
comment on table finance.answer_pieces is
'An answer on its way in, piece by piece within one transaction; empty to everybody else.';

create table finance.payout_lines (
    line_id text primary key,
    batch_id bigint not null references finance.payout_batches,
    call_sequence integer not null,
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    rail text not null,
    rail_currency text not null,
    wallet_address text collate "C" not null,
    idempotency_key text not null,
    frozen_at timestamptz not null default public.settle_now(),
    state text not null default 'frozen'
    check (state in ('frozen', 'submitted', 'completed', 'failed', 'rejected')),
    payout_id text unique,
    -- The last status the rail gave while there was no outcome: pending_approval or processing.
    rail_status text,
    tx_hash text,
    -- What the rail charges the marketplace for it, in the rail's currency; never deducted.
    network_fee numeric,
    fee_amount numeric,
    failure_code text,
    failure_reason text,
    outcome_at timestamptz,
    -- The money is the seller's balance again since then: a failure confirmed, or a batch rejected.
    returned_at timestamptz,
    -- It completed after it had come back: taken from the balance again.
    retaken_at timestamptz,
    unique (batch_id, seller_id),
    foreign key (payout_window, seller_id) references finance.window_close_rows,
    foreign key (batch_id, call_sequence) references finance.payout_calls (batch_id, sequence)
    deferrable initially deferred,
    check (returned_at is not null or retaken_at is null),
    check (state <> 'completed' or returned_at is null or retaken_at is not null)
);
create index payout_lines_seller on finance.payout_lines (seller_id, payout_window);
create index payout_lines_key on finance.payout_lines (idempotency_key);
create index payout_lines_open on finance.payout_lines (batch_id)
where state in ('frozen', 'submitted', 'failed') and returned_at is null;
create index payout_lines_retaken on finance.payout_lines (seller_id) where retaken_at is not null;
create unique index payout_lines_one_standing on finance.payout_lines (payout_window, seller_id)
where state <> 'rejected';
-- A key names the window and the seller: a second attempt meets the first at the rail.
create unique index payout_lines_one_key on finance.payout_lines (idempotency_key)
where state <> 'rejected';
comment on table finance.payout_lines is
'One row per seller of a batch. Immutable but for its state columns.';

create table finance.line_windows (
    line_id text not null references finance.payout_lines,
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    -- The entries of that window, and what completed after all in it, as a negative amount.
    entries_minor bigint not null,
    retaken_minor bigint not null check (retaken_minor <= 0),
    -- False once the line came back: another line may pay these entries then.
    is_standing boolean not null default true,
    primary key (line_id, payout_window)
);
-- What is paid by one line that stands is paid by no other.
create unique index line_windows_one_standing on finance.line_windows (seller_id, payout_window)
where is_standing;
comment on table finance.line_windows is
'The receipt of a line: the windows whose entries it pays, its own and those it carries in. They sum to the line.';

create table finance.line_events (
    line_event_id bigint generated always as identity primary key,
    line_id text not null references finance.payout_lines,
    kind text not null check (kind in (
        'frozen', 'submitted', 'completed', 'failed', 'failure_confirmed', 'refused', 'rejected',
        'completed_after_failed'
    )),
    source text not null,
    detail text,
    recorded_at timestamptz not null default public.settle_now()
);
create index line_events_line on finance.line_events (line_id);

create trigger immutable before update on finance.payout_batches for each row
execute function finance.allow_columns('state', 'answered_at', 'state_note');
create trigger immutable before update on finance.payout_lines for each row
execute function finance.allow_columns(
    'state', 'payout_id', 'rail_status', 'tx_hash', 'network_fee', 'fee_amount', 'failure_code',
    'failure_reason', 'outcome_at', 'returned_at', 'retaken_at'
);
create trigger immutable before update on finance.payout_calls for each row
execute function finance.allow_columns('state', 'rail_batch_id');
create trigger immutable before update on finance.call_attempts for each row
execute function finance.allow_columns(
    'http_status', 'was_sent', 'request_id', 'response', 'ended_at'
);
create trigger immutable before update on finance.line_windows for each row
execute function finance.allow_columns('is_standing');

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'payout_batches', 'payout_lines', 'payout_calls', 'call_attempts', 'line_windows'
    ] loop
        execute format(
            'create trigger no_delete before delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
    foreach table_name in array array[
        'batch_approvals', 'batch_left_out', 'batch_rejections', 'line_events'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;
