-- What follows from the verdict on a call: the states of the call, its lines and its batch.

create or replace function finance.conclude_call(p_batch_id bigint, p_sequence integer)
returns table (verdict text, batch_state text, message text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_batch finance.payout_batches;
    v_call finance.payout_calls;
    v_last finance.call_attempts;
    v_verdict text;
begin
    perform finance.require_plain_call();
    -- Money may come back: decisions before batches, as everybody locks them.
    if finance.classify_attempt(finance.decisive_attempt(p_batch_id, p_sequence)) = 'rejected' then
        perform finance.lock_decisions();
    end if;
    select b.* into v_batch from finance.payout_batches as b
    where b.batch_id = p_batch_id for update;
    select c.* into v_call from finance.payout_calls as c
    where c.batch_id = p_batch_id and c.sequence = p_sequence;
    v_last := finance.decisive_attempt(p_batch_id, p_sequence);
    if v_last.attempt is null then
        raise exception 'call % of batch % was not tried yet', p_sequence, p_batch_id;
    end if;
    v_verdict := finance.classify_call(v_call, v_last);
    if v_call.state = 'accepted' then
        -- People ended it, and a response under way says more.
        if v_verdict = 'accepted' and finance.has_resolved_line(p_batch_id, p_sequence) then
            perform finance.record_payout(p.payout, 'answer')
            from jsonb_array_elements(finance.payouts_of(v_last.response::jsonb)) as p (payout);
        end if;
        v_verdict := 'accepted';
    elsif v_verdict = 'accepted' and v_call.state = 'rejected' then
        -- Declared rejected by people, and a response under way says that it was accepted.
        perform finance.record_payout(p.payout, 'answer')
        from jsonb_array_elements(finance.payouts_of(v_last.response::jsonb)) as p (payout);
        perform finance.raise_alert('accepted_after_rejected', v_batch.payout_window,
            format('the rail took the batch of %s after it had rejected it: ask halfin before anything else', v_batch.payout_window));
        v_verdict := 'conflict';
    elsif v_call.state = 'rejected' then
        v_verdict := 'rejected';
    elsif v_verdict = 'accepted' then
        perform finance.accept_call(v_call, v_last.response::jsonb);
    elsif v_verdict = 'rejected' then
        perform finance.reject_call(v_batch, v_call, v_last.response::jsonb);
    else
        update finance.payout_calls as c set state = 'unknown'
        where c.batch_id = p_batch_id and c.sequence = p_sequence;
        perform finance.raise_alert(v_verdict, v_batch.payout_window,
            finance.call_message(v_batch, v_verdict, v_last));
    end if;
    return query
    select
        v_verdict, finance.conclude_batch(v_batch, v_verdict, a.line), a.line
    from finance.call_message(v_batch, v_verdict, v_last) as a (line);
end;
$$;
comment on function finance.conclude_call(bigint, integer) is
'Draws the consequences of a call''s attempts, once: states of the call, its lines and the batch, breaks and alerts. Returns the class of the call, the state of the batch and one message for a person.';

create or replace function finance.conclude_batch(
    p_batch finance.payout_batches, p_verdict text, p_note text
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_calls record;
    v_state text;
begin
    select
        count(*) filter (where c.state = 'accepted') as accepted,
        count(*) filter (where c.state = 'rejected') as rejected,
        count(*) as total
    into v_calls
    from finance.payout_calls as c where c.batch_id = p_batch.batch_id;
    v_state := case
        when p_batch.state in ('accepted', 'rejected') then p_batch.state
        -- A payout of a refused call may have completed all the same: then the batch was not rejected.
        when v_calls.rejected = v_calls.total and not exists (
            select from finance.payout_lines as l
            where l.batch_id = p_batch.batch_id and l.state = 'completed'
        ) then 'rejected'
        when v_calls.accepted + v_calls.rejected = v_calls.total then 'accepted'
        when p_verdict in ('unknown', 'stopped') then 'unknown'
        when p_verdict in ('withdrawn', 'resolved') then p_batch.state
        else 'submitting'
    end;
    update finance.payout_batches set
        state = v_state, answered_at = public.settle_now(),
        state_note = case when p_verdict <> 'accepted' then p_note end
    where batch_id = p_batch.batch_id and state not in ('accepted', 'rejected');
    if v_state = 'rejected' and found then
        perform finance.reject_batch(p_batch, p_verdict);
    end if;
    return v_state;
end;
$$;
