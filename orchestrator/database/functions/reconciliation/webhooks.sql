-- Webhooks land raw, by one insert; triggers of the owner read them and move the lines, as
-- finance.record_payout has it (payout/record_payout.sql).

create or replace function halfin.read_event() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_line finance.payout_lines;
begin
    new.body_sha256 := sha256(new.body);
    new.payload := convert_from(new.body, 'UTF8')::jsonb;
    new.event_type := new.payload ->> 'event';
    new.payout_id := new.payload #>> '{data,id}';
    -- Of a seller who was erased since: read, and not kept word for word.
    if exists (select from finance.erasures as e where e.approved_at is not null) then
        v_line := finance.line_of_payout(new.payload -> 'data');
        if v_line.wallet_address ~ '^erased-' then
            new.payload := jsonb_set(
                new.payload, '{data}', finance.without_erased(new.payload -> 'data', v_line)
            );
            new.body := null;
            new.pruned_at := public.settle_now();
            new.body_sha256 := sha256(convert_to(new.payload::text, 'UTF8'));
        end if;
    end if;
    return new;
exception when data_exception or program_limit_exceeded then
    -- Signed, and not readable as jsonb (a \u0000, say): kept as it is, for a person.
    return new;
end;
$$;

create or replace trigger read_event before insert on halfin.webhook_events
for each row execute function halfin.read_event();

create or replace function halfin.apply_event() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- completed and failed are documented; another word for either is asked about.
    if new.event_type ~ '^payout\.[a-z_]+$'
        and finance.class_of_status(split_part(new.event_type, '.', 2)) in ('completed', 'failed')
        and new.payload ->> 'type' is distinct from 'test' then
        perform finance.record_payout(
            new.payload -> 'data' || jsonb_build_object('status', split_part(new.event_type, '.', 2)),
            'webhook'
        );
    elsif new.payload is null then
        perform finance.open_break('unreadable_event', new.webhook_event_id::text, 'the body is not jsonb');
    end if;
    return null;
exception
-- What another transaction, or the server, is in the way of says nothing of the event. It is not stored,
-- and the rail sends it again: the same bytes are applied once.
when transaction_rollback or object_not_in_prerequisite_state or insufficient_resources
    or operator_intervention or system_error then
    raise;
when others then
    -- The event is kept whatever it says; a person looks at what could not be read.
    perform finance.open_break('unreadable_event', new.webhook_event_id::text, sqlerrm);
    return null;
end;
$$;

create or replace trigger apply_event after insert on halfin.webhook_events
for each row execute function halfin.apply_event();
