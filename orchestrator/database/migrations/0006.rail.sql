-- What the rail says: its webhooks and its own ledger, raw; and where its books and ours differ.

create schema if not exists halfin;

create table halfin.webhook_events (
    webhook_event_id bigint generated always as identity primary key,
    received_at timestamptz not null default public.settle_now(),
    signature text not null,
    body bytea not null,
    body_sha256 bytea generated always as (sha256(body)) stored,
    -- Read from the body by the trigger; null where it does not say.
    payload jsonb,
    event_type text,
    payout_id text,
    -- The same event arrives at least once, and counts once. Type and payout id are of the body.
    unique (body_sha256)
);
comment on table halfin.webhook_events is
'One row per distinct webhook of halfin whose signature held, as received.';

create table halfin.ledger_entries (
    currency text not null,
    ledger_entry_id text not null,
    entry_type text not null,
    amount numeric not null,
    payout_id text,
    created_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    primary key (currency, ledger_entry_id)
);
create index ledger_entries_payout on halfin.ledger_entries (payout_id);
comment on table halfin.ledger_entries is
'One row per move in the rail''s own ledger, as it told when asked; amounts are decimals of the rail''s currency, below 0 for what left.';

create table halfin.ledger_reads (
    currency text primary key,
    read_at timestamptz not null
);
comment on table halfin.ledger_reads is
'One row per currency: until when its ledger is known here.';

create table finance.breaks (
    break_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    detail text not null,
    opened_at timestamptz not null default public.settle_now(),
    closed_at timestamptz,
    closed_by text,
    close_note text,
    check ((closed_at is null) = (closed_by is null))
);
create unique index breaks_one_open on finance.breaks (kind, subject, detail)
where closed_at is null;
create index breaks_subject on finance.breaks (subject) where closed_at is null;
comment on table finance.breaks is
'Where our books and the rail''s differ; each is closed by an outcome or by a person''s note.';

create table finance.alerts (
    alert_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    message text not null,
    raised_at timestamptz not null default public.settle_now(),
    -- Null until SETTLE_ALERT_URL has taken it.
    posted_at timestamptz
);
create index alerts_subject on finance.alerts (kind, subject);
create index alerts_raised on finance.alerts (raised_at);
create index alerts_unposted on finance.alerts (alert_id) where posted_at is null;
comment on table finance.alerts is 'What needs a person, as it happened; also posted to SETTLE_ALERT_URL.';

create trigger immutable before update on finance.breaks for each row
execute function finance.allow_columns('closed_at', 'closed_by', 'close_note');
create trigger immutable before update on finance.alerts for each row
execute function finance.allow_columns('posted_at');
create trigger immutable before update on halfin.ledger_reads for each row
execute function finance.allow_columns('read_at');

do $$
declare
    table_name text;
begin
    foreach table_name in array array['finance.breaks', 'finance.alerts', 'halfin.ledger_reads'] loop
        execute format(
            'create trigger no_delete before delete or truncate on %s'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
    foreach table_name in array array['halfin.webhook_events', 'halfin.ledger_entries'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %s'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;
