-- The way out of a batch that stays unknown: two people who have asked the rail.

create or replace function finance.declare_rejected(p_window text, p_note text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_batch finance.payout_batches;
    v_people integer;
    v_call finance.payout_calls;
    v_response constant jsonb := jsonb_build_object('error', jsonb_build_object('message', p_note));
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    select b.* into v_batch from finance.payout_batches as b
    where b.batch_id = (finance.latest_batch(p_window)).batch_id and b.state <> 'rejected' for update;
    if v_batch.batch_id is null then
        raise exception 'window % has no batch, or it was rejected: nothing to resolve', p_window;
    elsif v_batch.state <> 'unknown' then
        raise exception 'the batch of % is %, not unknown: only the rail''s answer moves it', p_window,
            v_batch.state;
    end if;
    -- Where the rail has spoken of a payout, its lines are with it: taking them back would pay twice.
    if exists (
        select from finance.payout_lines as l
        inner join finance.payout_calls as c
            on l.batch_id = c.batch_id and l.call_sequence = c.sequence
        where l.batch_id = v_batch.batch_id and l.payout_id is not null
        and c.state not in ('accepted', 'rejected')
    ) then
        raise exception 'the rail has spoken of a payout of the batch of % already: it has it; run settle pay % again; where that is stopped again, ask halfin about each line, settle resolve % SELLER, and take back what was never sent, settle withdraw %',
            p_window, p_window, p_window, p_window;
    end if;
    if exists (
        select from finance.payout_calls as c
        where c.batch_id = v_batch.batch_id and c.state not in ('accepted', 'rejected')
        and finance.has_resolved_line(c.batch_id, c.sequence)
    ) then
        raise exception 'two people have decided a line of the batch of % by itself: decide the others so too, settle resolve % SELLER',
            p_window, p_window;
    end if;
    insert into finance.batch_rejections (batch_id, note, declared_at)
    values (v_batch.batch_id, p_note, finance.this_instant());
    -- What was said before the last attempt was said of another one.
    v_people := cardinality(finance.people_in_finance(array(
        select r.declared_by from finance.batch_rejections as r
        where r.batch_id = v_batch.batch_id
        and r.declared_at >= finance.last_attempt_at(v_batch.batch_id, null)
    )));
    if v_people < 2 then
        return v_people;
    end if;
    for v_call in
        select c.* from finance.payout_calls as c
        where c.batch_id = v_batch.batch_id and c.state not in ('accepted', 'rejected')
        order by c.sequence
    loop
        perform finance.reject_call(v_batch, v_call, v_response);
    end loop;
    perform finance.conclude_batch(v_batch, 'rejected', format(
        'two people have asked the rail and say that it does not have the batch of %s: %s',
        p_window, p_note
    ));
    return v_people;
end;
$$;
comment on function finance.declare_rejected(text, text) is
'One person''s word, after asking the rail, that it does not have what is unknown of a batch; returns how many have said so. At the second the lines come back. Should it complete all the same, it counts as a conflict and is held.';
