-- One line, by people: two who have asked the rail say what became of it.

create or replace function finance.is_resolved_as(p_line_id text, p_outcome text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.line_events as e
        where e.line_id = p_line_id and e.kind = 'resolved' and e.detail = p_outcome
    )
$$;
comment on function finance.is_resolved_as(text, text) is
'Whether two people have decided the line''s outcome so.';

create or replace function finance.has_resolved_line(p_batch_id bigint, p_sequence integer) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.payout_lines as l
        inner join finance.line_events as e on l.line_id = e.line_id and e.kind = 'resolved'
        where l.batch_id = p_batch_id and l.call_sequence = p_sequence
    )
$$;
comment on function finance.has_resolved_line(bigint, integer) is
'Whether people have decided a line of the call: it is sent no more.';

create or replace function finance.conclude_decided(
    p_batch_id bigint, p_sequence integer, p_note text
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_batch finance.payout_batches;
    v_paid bigint;
    v_open bigint;
begin
    select
        count(*) filter (where l.state in ('completed', 'returned')),
        count(*) filter (where l.state in ('frozen', 'submitted') or l.returned_at is null
            and l.state = 'failed')
    into v_paid, v_open
    from finance.payout_lines as l
    where l.batch_id = p_batch_id and l.call_sequence = p_sequence;
    if v_open > 0 then
        return false;
    end if;
    update finance.payout_calls as c
    set state = case when v_paid > 0 then 'accepted' else 'rejected' end
    where c.batch_id = p_batch_id and c.sequence = p_sequence and c.state in ('ready', 'unknown');
    if found then
        select b.* into v_batch from finance.payout_batches as b where b.batch_id = p_batch_id;
        perform finance.conclude_batch(v_batch, 'resolved', p_note);
    end if;
    return true;
end;
$$;
comment on function finance.conclude_decided(bigint, integer, text) is
'Ends a call of which people have decided a line, and its batch, once each line has its outcome; returns whether each has. A call that is being sent stays as it is.';

-- Said under the turn of the window, when no other run can have an attempt of it under way.
create or replace function finance.leave_to_people(p_batch_id bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_batch finance.payout_batches;
    v_call finance.payout_calls;
    v_message text;
begin
    perform finance.require_plain_call();
    select b.* into v_batch from finance.payout_batches as b
    where b.batch_id = p_batch_id for update;
    for v_call in
        select c.* from finance.payout_calls as c
        where c.batch_id = p_batch_id and c.state in ('ready', 'sending', 'unknown')
        and finance.has_resolved_line(c.batch_id, c.sequence)
        order by c.sequence desc
    loop
        -- A run that was killed has left it as if it were being sent.
        update finance.payout_calls as c set state = 'unknown'
        where c.batch_id = p_batch_id and c.sequence = v_call.sequence and c.state = 'sending';
        if not finance.conclude_decided(p_batch_id, v_call.sequence, format(
            'each line of call %s of %s has its outcome, by people or the rail',
            v_call.sequence, v_batch.payout_window
        )) then
            v_message := case
                when finance.was_sent(p_batch_id, v_call.sequence) then
                    format('call %s of %s is sent no more, as two people have decided the outcome of one of its lines: decide the others too, settle resolve %s SELLER',
                        v_call.sequence, v_batch.payout_window, v_batch.payout_window)
                else
                    format('call %s of %s was not sent and is not, as two people have decided the outcome of one of its lines: take the others back, settle withdraw %s',
                        v_call.sequence, v_batch.payout_window, v_batch.payout_window)
            end;
            if v_call.state = 'sending' then
                perform finance.raise_alert('unknown', v_batch.payout_window, v_message);
                perform finance.conclude_batch(v_batch, 'unknown', v_message);
            elsif v_call.state = 'ready' then
                perform finance.raise_alert_once('not_sent', format('%s/%s/%s',
                    v_batch.payout_window, p_batch_id, v_call.sequence), v_message);
            end if;
        end if;
    end loop;
    return v_message;
end;
$$;
comment on function finance.leave_to_people(bigint) is
'Ends the calls of which people have decided a line, where each line has its outcome. Where one has not, makes a call that a run left behind unknown, so that they can decide it, and returns what they have to do about the first; null where there is no such call.';

create or replace function finance.resolution_obstacle(
    p_line finance.payout_lines, p_outcome text
) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_call finance.payout_calls;
    v_is_open constant boolean := p_line.state in ('frozen', 'submitted')
    or (p_line.state = 'failed' and p_line.returned_at is null);
begin
    select c.* into v_call from finance.payout_calls as c
    where c.batch_id = p_line.batch_id and c.sequence = p_line.call_sequence;
    if not v_is_open and not exists (
        select from finance.breaks as b where b.subject = p_line.line_id and b.closed_at is null
    ) then
        return format('it is %s and has no open break: only the rail moves it', p_line.state);
    elsif v_is_open and not finance.was_sent(v_call.batch_id, v_call.sequence) then
        return format('it was never sent: take it back with settle withdraw %s', p_line.payout_window);
    -- A response under way would be another word on it.
    elsif v_is_open and v_call.state not in ('accepted', 'rejected', 'unknown') then
        return format('its call is %s: run settle pay %s first, the rail may still answer',
            v_call.state, p_line.payout_window);
    elsif p_outcome = 'returned' and p_line.state <> 'completed' then
        return format('it is %s, and only what was paid can be returned: say whether it failed or completed', p_line.state);
    elsif p_outcome = 'failed' and p_line.state = 'completed' then
        return 'it counts as paid: say --returned where the money came back';
    elsif p_outcome = 'returned' and p_line.returned_at is not null then
        return 'its money was credited back once and taken again: correct it with an adjustment';
    elsif p_outcome = 'completed' and p_line.state = 'rejected' and exists (
        select from finance.payout_lines as o
        where o.payout_window = p_line.payout_window and o.seller_id = p_line.seller_id
        and o.state <> 'rejected'
    ) then
        return 'another line pays the seller''s window: wait for its outcome';
    end if;
    return null;
end;
$$;
comment on function finance.resolution_obstacle(finance.payout_lines, text) is
'Why people cannot say this of the line; null where they can.';

create or replace function finance.apply_resolution(
    p_line finance.payout_lines, p_outcome text, p_person text, p_note text
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into finance.line_events (line_id, kind, source, detail)
    values (p_line.line_id, 'resolved', p_person, p_outcome);
    perform finance.void_approvals(array(
        select b.seller_id from finance.holding_breaks() as b where b.line_id = p_line.line_id
    ));
    if p_outcome = 'completed' and p_line.state <> 'completed' then
        perform finance.record_completed(
            p_line, jsonb_build_object('id', p_line.payout_id), p_person
        );
    elsif p_outcome = 'returned' then
        perform finance.record_returned(p_line, p_person, 'resolved', p_note);
    elsif p_outcome = 'failed' and p_line.returned_at is null then
        update finance.payout_lines set
            failure_code = coalesce(failure_code, 'resolved'),
            failure_reason = coalesce(failure_reason, p_note),
            outcome_at = coalesce(outcome_at, public.settle_now())
        where line_id = p_line.line_id;
        perform finance.return_lines(array[p_line.line_id], 'failed');
    end if;
    update finance.breaks as b
    set closed_at = finance.this_instant(), closed_by = p_person, close_note = p_note
    where b.subject = p_line.line_id and b.closed_at is null;
end;
$$;

-- A word is about the line as it stood: its last event, and the newest break that was open.
create or replace function finance.standing_of_line(
    p_line_id text, out event_id bigint, out open_break_id bigint
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        coalesce((
            select max(e.line_event_id) from finance.line_events as e where e.line_id = p_line_id
        ), 0),
        coalesce((
            select max(b.break_id) from finance.breaks as b
            where b.subject = p_line_id and b.closed_at is null
        ), 0)
$$;
comment on function finance.standing_of_line(text) is
'The last event of a line and its newest open break, 0 where it has none: what people say of it counts while both stay.';

create or replace function finance.resolve_line(
    p_window text, p_seller text, p_outcome text, p_note text
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_line finance.payout_lines;
    v_obstacle text;
    v_people integer;
    v_standing record;
begin
    if coalesce(p_note, '') = '' then
        raise exception 'the line of seller % in % stays as it is: the note is empty, say what the rail answered',
            p_seller, p_window;
    elsif p_outcome is null or p_outcome not in ('failed', 'returned', 'completed') then
        raise exception '% is not an outcome of a line: say failed, returned or completed',
            coalesce(p_outcome, 'nothing');
    end if;
    perform finance.lock_decisions();
    perform from finance.payout_batches as b where b.payout_window = p_window
    order by b.batch_id for update;
    -- The line that was not rejected, else the latest with a break.
    select l.* into v_line from finance.payout_lines as l
    where l.payout_window = p_window and l.seller_id = p_seller
    order by
        l.state = 'rejected' and not exists (
            select from finance.breaks as b where b.subject = l.line_id and b.closed_at is null
        ),
        l.state = 'rejected', l.batch_id desc
    limit 1 for update;
    if v_line.line_id is null then
        raise exception 'seller % has no line in %: nothing to resolve', p_seller, p_window;
    end if;
    v_obstacle := finance.resolution_obstacle(v_line, p_outcome);
    if v_obstacle is not null then
        raise exception 'the line of seller % in % is not resolved: %', p_seller, p_window, v_obstacle;
    end if;
    v_standing := finance.standing_of_line(v_line.line_id);
    insert into finance.line_resolutions (
        line_id, outcome, line_state, note, event_id, open_break_id, resolved_at
    )
    values (
        v_line.line_id, p_outcome, v_line.state, p_note, v_standing.event_id,
        v_standing.open_break_id, finance.this_instant()
    );
    -- Each person's latest word counts, and only what was said of the line as it stands: a word is
    -- spent with the decision it led to, and says nothing of what the rail contradicts since.
    v_people := cardinality(finance.people_in_finance(array(
        select said.resolved_by
        from (
            select distinct on (r.resolved_by) r.resolved_by, r.outcome
            from finance.line_resolutions as r
            where r.line_id = v_line.line_id
            and (r.event_id, r.open_break_id) = (v_standing.event_id, v_standing.open_break_id)
            -- What was said before the last attempt was said of another one.
            and r.resolved_at >= finance.last_attempt_at(v_line.batch_id, v_line.call_sequence)
            order by r.resolved_by, r.line_resolution_id desc
        ) as said
        where said.outcome = p_outcome
    )));
    if v_people >= 2 then
        perform finance.apply_resolution(v_line, p_outcome, v_person, p_note);
        perform finance.conclude_decided(v_line.batch_id, v_line.call_sequence, format(
            'two people have asked the rail about each line of call %s of %s: %s',
            v_line.call_sequence, p_window, p_note
        ));
    end if;
    return v_people;
end;
$$;
comment on function finance.resolve_line(text, text, text, text) is
'One person''s word, after asking the rail, on a line without a certain outcome or with an open break: failed, returned or completed. Returns how many agree; the second decides it. What the rail says later and differs holds the seller.';
