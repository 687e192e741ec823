-- What was frozen and never sent can still be stopped; what was sent once is never taken back.

create or replace function finance.stopped_lines(p_batch_id bigint, p_sequence integer)
returns table (seller_id text, reason text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_window text;
    v_seller text;
begin
    -- A call of one line asks about one seller: paid line by line, a window is not read for each.
    select l.payout_window, case when count(*) = 1 then min(l.seller_id) end into v_window, v_seller
    from finance.payout_lines as l
    where l.batch_id = p_batch_id and l.call_sequence = p_sequence
    group by l.payout_window;
    return query
    select l.seller_id, h.hold_reasons[1]
    from finance.payout_lines as l
    inner join finance.current_holds(v_window, v_seller) as h on l.seller_id = h.seller_id
    where l.batch_id = p_batch_id and l.call_sequence = p_sequence
    and cardinality(h.hold_reasons) > 0
    union all
    -- An earlier attempt, believed lost, has paid it.
    select l.seller_id, 'outcome_conflict' from finance.payout_lines as l
    where l.batch_id = p_batch_id and l.call_sequence = p_sequence and l.state <> 'frozen'
    order by 1;
end;
$$;
comment on function finance.stopped_lines(bigint, integer) is
'The lines of a frozen call whose seller or wallet is held now, with the first reason.';

-- An attempt that the rail certainly did not read (429, no connection) has sent nothing; one that has
-- not ended may have.
create or replace function finance.was_sent(p_batch_id bigint, p_sequence integer) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.call_attempts as a
        where a.batch_id = p_batch_id and a.sequence = p_sequence
        and finance.classify_attempt(a) <> 'not_read'
    )
$$;
comment on function finance.was_sent(bigint, integer) is
'Whether the rail may have read an attempt of the call.';

create or replace function finance.last_attempt_at(p_batch_id bigint, p_sequence integer)
returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(max(a.begun_at), '-infinity') from finance.call_attempts as a
    where a.batch_id = p_batch_id and (p_sequence is null or a.sequence = p_sequence)
$$;
comment on function finance.last_attempt_at(bigint, integer) is
'When the last attempt of a call began, or of any call of the batch where the sequence is null.';

create or replace function finance.stop_message(p_batch_id bigint, p_sequence integer) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select format('call %s of %s is stopped, it was never sent: seller %s is held for %s%s; release it, or take the batch back with settle withdraw %s',
        p_sequence, finance.run_name(b.payout_window, b.run), s.seller_id, s.reason,
        case when s.line_count > 1 then format(' and %s more', s.line_count - 1) else '' end,
        b.payout_window)
    from finance.payout_batches as b
    cross join lateral (
        select x.seller_id, x.reason, count(*) over () as line_count
        from finance.stopped_lines(p_batch_id, p_sequence) as x limit 1
    ) as s
    where b.batch_id = p_batch_id
$$;
comment on function finance.stop_message(bigint, integer) is
'One line on what stops a call that the rail never read; null where nothing does.';

create or replace function finance.alert_stopped(p_window text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select finance.raise_alert_once('not_sent', p_window || '/' || c.batch_id || '/' || c.sequence, m.message)
    from finance.payout_batches as b
    cross join lateral finance.next_call(b.batch_id) as n
    inner join finance.payout_calls as c on b.batch_id = c.batch_id and n.sequence = c.sequence
    cross join lateral finance.stop_message(c.batch_id, c.sequence) as m (message)
    where b.payout_window = p_window and b.state <> 'rejected'
    and not finance.was_sent(c.batch_id, c.sequence) and m.message is not null
$$;
comment on function finance.alert_stopped(text) is
'One alert where the next call of a window is stopped before its first attempt.';

create or replace function finance.withdraw_batch(p_window text, p_note text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_batch finance.payout_batches;
    v_calls integer[];
    v_lines text[];
begin
    perform finance.lock_decisions();
    select b.* into v_batch from finance.payout_batches as b
    where b.batch_id = (finance.latest_batch(p_window)).batch_id and b.state <> 'rejected' for update;
    if v_batch.batch_id is null then
        raise exception 'window % has no batch, or it was rejected: nothing to withdraw', p_window;
    end if;
    select array_agg(c.sequence) into v_calls from finance.payout_calls as c
    where c.batch_id = v_batch.batch_id and c.state in ('ready', 'sending', 'unknown')
    and not finance.was_sent(c.batch_id, c.sequence);
    if v_calls is null then
        raise exception 'the batch of % was sent: what was sent once is never taken back',
            finance.run_name(p_window, v_batch.run);
    end if;
    insert into finance.batch_withdrawals (batch_id, note) values (v_batch.batch_id, p_note);
    update finance.payout_calls set state = 'rejected'
    where batch_id = v_batch.batch_id and sequence = any(v_calls);
    select array_agg(l.line_id) into v_lines from finance.payout_lines as l
    where l.batch_id = v_batch.batch_id and l.call_sequence = any(v_calls) and l.state = 'frozen';
    perform finance.return_lines(v_lines, 'rejected');
    insert into finance.line_events (line_id, kind, source, detail)
    select l, 'withdrawn', v_person, p_note from unnest(v_lines) as l;
    perform finance.conclude_batch(v_batch, 'withdrawn', format(
        '%s took back %s lines of %s that were never sent: %s', v_person,
        coalesce(cardinality(v_lines), 0), finance.run_name(p_window, v_batch.run), p_note
    ));
    return coalesce(cardinality(v_lines), 0);
end;
$$;
comment on function finance.withdraw_batch(text, text) is
'Takes back the calls of a window''s batch that the rail never read: their lines are balance again, and where that is the whole batch its approvals are spent. Returns how many lines; refuses where each call may have been read.';
