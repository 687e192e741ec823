-- Batches: frozen from approved lines, sent once per key, moved only by answers and outcomes.

create table finance.payout_batches (
    batch_id bigint generated always as identity primary key,
    payout_window text not null references finance.window_closes,
    attempt integer not null check (attempt > 0),
    digest text not null,
    currency text not null,
    line_count bigint not null check (line_count > 0),
    total_minor numeric not null check (total_minor > 0),
    idempotency_key text not null unique,
    frozen_at timestamptz not null default public.settle_now(),
    frozen_by text not null default session_user,
    state text not null default 'frozen'
    check (state in ('frozen', 'submitting', 'accepted', 'rejected', 'unknown')),
    rail_batch_id text unique,
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

create table finance.payout_lines (
    line_id text primary key,
    batch_id bigint not null references finance.payout_batches,
    payout_window text not null references finance.window_closes,
    seller_id text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    rail text not null,
    rail_currency text not null,
    wallet_address text not null,
    idempotency_key text not null unique,
    frozen_at timestamptz not null default public.settle_now(),
    state text not null default 'frozen'
    check (state in ('frozen', 'submitted', 'completed', 'failed', 'rejected')),
    payout_id text unique,
    tx_hash text,
    network_fee numeric,
    failure_code text,
    failure_reason text,
    outcome_at timestamptz,
    -- The money is the seller's balance again since then: a failure confirmed, or a batch rejected.
    returned_at timestamptz,
    -- It completed after it had come back: taken from the balance again.
    retaken_at timestamptz,
    unique (batch_id, seller_id),
    foreign key (payout_window, seller_id) references finance.window_close_rows,
    check (returned_at is not null or retaken_at is null),
    check (state <> 'completed' or returned_at is null or retaken_at is not null)
);
create index payout_lines_seller on finance.payout_lines (seller_id, payout_window);
create index payout_lines_retaken on finance.payout_lines (seller_id) where retaken_at is not null;
create unique index payout_lines_one_standing on finance.payout_lines (payout_window, seller_id)
where state <> 'rejected';

create table finance.payout_calls (
    batch_id bigint not null references finance.payout_batches,
    sequence integer not null check (sequence > 0),
    idempotency_key text not null unique,
    path text not null,
    body text not null,
    body_sha256 text not null check (body_sha256 = encode(sha256(convert_to(body, 'UTF8')), 'hex')),
    state text not null default 'ready'
    check (state in ('ready', 'sending', 'accepted', 'rejected', 'unknown')),
    tries integer not null default 0,
    first_sent_at timestamptz,
    answered_at timestamptz,
    http_status integer,
    response text,
    primary key (batch_id, sequence)
);
comment on table finance.payout_calls is
'The calls of a batch with the exact bytes to send, written before the first is made. Every retry sends this body under this key.';

create table finance.line_events (
    line_event_id bigint generated always as identity primary key,
    line_id text not null references finance.payout_lines,
    kind text not null check (kind in (
        'frozen', 'submitted', 'completed', 'failed', 'failure_confirmed', 'rejected',
        'completed_after_failed'
    )),
    source text not null,
    detail text,
    recorded_at timestamptz not null default public.settle_now()
);
create index line_events_line on finance.line_events (line_id);

create table finance.breaks (
    break_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    detail text not null,
    opened_at timestamptz not null default public.settle_now(),
    closed_at timestamptz,
    closed_by text,
    close_note text
);
create unique index breaks_one_open on finance.breaks (kind, subject, detail)
where closed_at is null;
comment on table finance.breaks is
'Where our books and the rail''s differ; each needs an outcome or a person.';

create table finance.alerts (
    alert_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    message text not null,
    raised_at timestamptz not null default public.settle_now()
);
create index alerts_raised on finance.alerts (raised_at);

create function finance.raise_alert(p_kind text, p_subject text, p_message text) returns void
language sql security definer set search_path = '' as $$
    insert into finance.alerts (kind, subject, message) values (p_kind, p_subject, p_message)
$$;

create function finance.open_break(p_kind text, p_subject text, p_detail text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    insert into finance.breaks (kind, subject, detail) values (p_kind, p_subject, p_detail)
    on conflict (kind, subject, detail) where closed_at is null do nothing;
    if found then
        perform finance.raise_alert('break', p_subject, p_kind || ': ' || p_detail);
    end if;
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
create trigger immutable before update on finance.payout_batches for each row
execute function finance.allow_columns('state', 'rail_batch_id', 'answered_at', 'state_note');
create trigger immutable before update on finance.payout_lines for each row
execute function finance.allow_columns(
    'state', 'payout_id', 'tx_hash', 'network_fee', 'failure_code', 'failure_reason',
    'outcome_at', 'returned_at', 'retaken_at'
);
create trigger immutable before update on finance.payout_calls for each row
execute function finance.allow_columns(
    'state', 'tries', 'first_sent_at', 'answered_at', 'http_status', 'response'
);
create trigger immutable before update on finance.approvals for each row
execute function finance.allow_columns('revoked_by', 'revoked_at');
create trigger immutable before update on finance.breaks for each row
execute function finance.allow_columns('closed_at', 'closed_by', 'close_note');
create trigger immutable before update on finance.seller_holds for each row
execute function finance.allow_columns('lifted_by', 'lifted_at');
create trigger immutable before update on finance.adjustments for each row
execute function finance.allow_columns('approved_by', 'approved_at');

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'payout_batches', 'payout_lines', 'payout_calls', 'approvals', 'breaks', 'seller_holds',
        'adjustments', 'hold_releases'
    ] loop
        execute format(
            'create trigger no_delete before delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
    foreach table_name in array array[
        'approval_lines', 'batch_approvals', 'batch_left_out', 'line_events', 'alerts',
        'payout_policies'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on finance.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;
