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
begin
    -- The first of the transaction's events numbers all of them.
    if exists (
        select from finance.events as e
        where e.event_number = new.event_number and e.sequence is not null
    ) then
        return null;
    end if;
    with counted as (
        insert into finance.event_sequences as s (seller_id, last_sequence)
        select e.seller_id, count(*) from finance.events as e
        where e.sequence is null
        group by e.seller_id
        order by e.seller_id
        on conflict (seller_id) do update
        set last_sequence = s.last_sequence + excluded.last_sequence
        returning s.seller_id, s.last_sequence
    ),
    numbered as (
        update finance.events as e set sequence = n.sequence
        from (
            select
                u.event_number,
                c.last_sequence + 1
                - row_number() over (partition by u.seller_id order by u.event_number desc)
                as sequence
            from finance.events as u
            inner join counted as c on u.seller_id = c.seller_id
            where u.sequence is null
        ) as n
        where e.event_number = n.event_number
        returning e.event_number, e.seller_id, e.sequence, e.recorded_at
    )
    insert into finance.event_deliveries (
        event_number, seller_id, sequence, next_attempt_at, expires_at
    )
    select
        n.event_number, n.seller_id, n.sequence, n.recorded_at,
        n.recorded_at + finance.event_patience()
    from numbered as n;
    return null;
end;
$$;
-- A constraint trigger cannot be replaced.
drop trigger if exists number_events on finance.events;
create constraint trigger number_events after insert on finance.events
deferrable initially deferred
for each row execute function finance.number_events();
