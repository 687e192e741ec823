-- Events leave for SETTLE_EVENTS_URL: each at least once, a seller's one after another.

create or replace function finance.event_patience() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '3 days' $$;
comment on function finance.event_patience() is
'How long an event is tried before it is given up and a person is told.';

create or replace function finance.event_pause(p_attempts integer) returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select least(interval '5 seconds' * 4 ^ least(p_attempts - 1, 10), interval '6 hours')
$$;
comment on function finance.event_pause(integer) is
'How long after so many failed attempts the next one waits: 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 6 h.';

create or replace function finance.give_up_events() returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_count bigint;
    v_problem text;
begin
    with given_up as (
        update finance.event_deliveries as d set given_up_at = public.settle_now()
        where d.posted_at is null and d.given_up_at is null and d.expires_at <= public.settle_now()
        returning d.last_problem
    )
    select count(*), max(g.last_problem) into v_count, v_problem from given_up as g;
    if v_count > 0 then
        -- One a day: sellers' events expire at any time.
        perform finance.raise_alert_once(
            'events_given_up', to_char(public.settle_now() at time zone 'UTC', 'YYYY-MM-DD'),
            format('%s events were not taken within three days (%s): mend the receiver, then run settle events --state given_up --replay',
                v_count, coalesce(v_problem, 'nothing has posted them'))
        );
    end if;
    return v_count;
end;
$$;

create or replace function finance.claim_events(p_limit integer default 20)
returns table (event_number bigint, event_id text, body text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    if finance.copy_message() is not null then
        raise exception '% and tells nobody', finance.copy_message();
    end if;
    perform finance.give_up_events();
    return query
    with due as (
        select d.event_number from finance.event_deliveries as d
        where d.posted_at is null and d.given_up_at is null
        and d.next_attempt_at <= public.settle_now()
        -- Of each seller the first one that waits: those behind it wait for it.
        and d.sequence = (
            select min(b.sequence) from finance.event_deliveries as b
            where b.seller_id = d.seller_id and b.posted_at is null and b.given_up_at is null
        )
        order by d.next_attempt_at, d.event_number
        limit p_limit
        for update of d skip locked
    ),
    claimed as (
        update finance.event_deliveries as d
        set
            attempts = d.attempts + 1, last_attempt_at = public.settle_now(),
            -- Who dies on the way is not waited for longer than this.
            next_attempt_at = public.settle_now() + interval '10 minutes'
        from due
        where d.event_number = due.event_number
        returning d.event_number
    )
    select
        e.event_number, e.event_id,
        jsonb_build_object(
            'type', e.event_type,
            'timestamp', to_jsonb(e.recorded_at at time zone 'UTC') #>> '{}' || 'Z',
            'data', e.data || jsonb_build_object('sequence', e.sequence)
        )::text
    from claimed as c
    inner join finance.events as e on c.event_number = e.event_number
    order by e.event_number;
end;
$$;
comment on function finance.claim_events(integer) is
'The events to post now, of each seller one, with the bytes to send: an attempt is written down before it is made. First gives up what was tried for three days. Raises in a copy of production.';

create or replace function finance.end_post(p_event_number bigint, p_problem text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    update finance.event_deliveries as d
    set
        posted_at = case when p_problem is null then public.settle_now() end,
        last_problem = finance.truncate_message(p_problem),
        next_attempt_at = public.settle_now() + finance.event_pause(d.attempts)
    where d.event_number = p_event_number and d.posted_at is null and d.given_up_at is null;
end;
$$;
comment on function finance.end_post(bigint, text) is
'What came of an attempt: taken where there is no problem, else the next one waits longer.';

create or replace function finance.unclaim_events(p_event_numbers bigint[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    update finance.event_deliveries as d
    set attempts = d.attempts - 1, next_attempt_at = public.settle_now()
    where d.event_number = any(p_event_numbers) and d.attempts > 0
    and d.posted_at is null and d.given_up_at is null;
end;
$$;
comment on function finance.unclaim_events(bigint[]) is
'Gives back what was claimed and not tried, as the receiver does not take anything now.';

create or replace function finance.replay_events(p_event_ids text[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_event record;
    v_count bigint;
begin
    perform finance.require_plain_call();
    if finance.copy_message() is not null then
        raise exception '% and tells nobody', finance.copy_message();
    end if;
    select g.event_id, e.event_number, e.recorded_at into v_event
    from unnest(p_event_ids) as g (event_id)
    left join finance.events as e on g.event_id = e.event_id
    where e.event_number is null or e.data is null
    order by g.event_id limit 1;
    if found and v_event.event_number is null then
        raise exception 'event % is not known: nothing is posted again; see settle events',
            v_event.event_id;
    elsif found then
        raise exception 'event % of % was emptied, as its time to be kept is over: nothing is posted again',
            v_event.event_id, v_event.recorded_at;
    end if;
    with replayed as (
        update finance.event_deliveries as d
        set
            posted_at = null, given_up_at = null, attempts = 0,
            next_attempt_at = public.settle_now(),
            expires_at = public.settle_now() + finance.event_patience()
        from finance.events as e
        where e.event_number = d.event_number and e.event_id = any(p_event_ids)
        and (d.posted_at is not null or d.given_up_at is not null)
        returning d.event_number
    )
    insert into finance.event_replays (event_number) select r.event_number from replayed as r;
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;
comment on function finance.replay_events(text[]) is
'Has the events posted again under the same ids, for three days more; returns how many, without those that wait anyway. Refuses all where one is unknown or was emptied.';
