-- Webhooks land raw; a trigger of the owner reads them and moves the lines.

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

create function halfin.read_event() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    new.payload := convert_from(new.body, 'UTF8')::jsonb;
    new.event_type := new.payload ->> 'event';
    new.payout_id := new.payload #>> '{data,id}';
    return new;
exception when data_exception then
    -- Signed, and not readable as jsonb (a \u0000, say): kept as it is, for a person.
    return new;
end;
$$;
create trigger read_event before insert on halfin.webhook_events
for each row execute function halfin.read_event();

create function halfin.apply_event() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if new.event_type in ('payout.completed', 'payout.failed')
        and new.payload ->> 'type' is distinct from 'test' then
        perform finance.record_payout(
            new.payload -> 'data' || jsonb_build_object('status', split_part(new.event_type, '.', 2)),
            'webhook'
        );
    elsif new.payload is null then
        perform finance.open_break('unreadable_event', new.webhook_event_id::text, 'the body is no jsonb');
    end if;
    return null;
exception when others then
    -- The event is kept whatever it says; a person looks at what could not be read.
    perform finance.open_break('unreadable_event', new.webhook_event_id::text, sqlerrm);
    return null;
end;
$$;
create trigger apply_event after insert on halfin.webhook_events
for each row execute function halfin.apply_event();

create trigger append_only before update or delete or truncate on halfin.webhook_events
for each statement execute function finance.refuse_change();
