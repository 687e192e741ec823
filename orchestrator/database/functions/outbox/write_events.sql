-- Events are written by the transaction that did what they tell, and numbered when it commits.

create or replace function finance.write_event(
    p_type text, p_seller text, p_window text, p_line_id text, p_data jsonb
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into finance.events (event_id, event_type, seller_id, payout_window, line_id, data)
    select
        'msg_' || left(encode(sha256(convert_to(jsonb_build_array(
            i.installation_id, p_type, p_seller, p_window, p_line_id, p_data,
            -- The how many-th it is: a line that failed, was paid and failed again has failed twice.
            (
                select count(*) from finance.events as e
                where e.seller_id = p_seller and e.payout_window = p_window
                and e.event_type = p_type and e.line_id is not distinct from p_line_id
            )
        )::text, 'UTF8')), 'hex'), 32),
        p_type, p_seller, p_window, p_line_id, p_data
    from finance.installation as i
    on conflict (event_id) do nothing
$$;
comment on function finance.write_event(text, text, text, text, jsonb) is
'Writes an event into the outbox, with an id made of what it says.';

-- A transaction takes its sellers' numbers at its very end, in the order of sellers: two never wait
-- for each other, and what waited for another's line has the later number.
create or replace function finance.number_events() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_event finance.events;
    v_events finance.events[];
    v_sequence bigint;
begin
    -- The first of the transaction's events numbers all of them.
    select e.* into v_event from finance.events as e where e.event_number = new.event_number;
    if v_event.sequence is not null then
        return null;
    end if;
    if currval('finance.events_event_number_seq') = new.event_number then
        -- Its session has written none since: it is the only one, as of each webhook.
        v_events := array[v_event];
    else
        -- What is unnumbered is this transaction's own, and not older than its first. Executed, so that
        -- it is planned for that number: a plan for any takes a third of all events for later ones, and
        -- reads them all. What follows is by key, row by row, and keeps its plan.
        execute
            'select array_agg(e order by e.seller_id, e.event_number) from finance.events as e'
            ' where e.event_number >= $1 and e.sequence is null'
            into v_events using new.event_number;
    end if;
    foreach v_event in array v_events
    loop
        insert into finance.event_sequences as s (seller_id, last_sequence)
        values (v_event.seller_id, 1)
        on conflict (seller_id) do update set last_sequence = s.last_sequence + 1
        returning s.last_sequence into v_sequence;
        update finance.events as e set sequence = v_sequence
        where e.event_number = v_event.event_number;
        insert into finance.event_deliveries (
            event_number, seller_id, sequence, next_attempt_at, expires_at
        )
        values (
            v_event.event_number, v_event.seller_id, v_sequence, v_event.recorded_at,
            v_event.recorded_at + finance.event_patience()
        );
    end loop;
    return null;
end;
$$;
-- A constraint trigger cannot be replaced.
drop trigger if exists number_events on finance.events;
create constraint trigger number_events after insert on finance.events
deferrable initially deferred
for each row execute function finance.number_events();
