-- What an accepted and a refused call do to their lines, and how a person reads it.

create or replace function finance.accept_call(p_call finance.payout_calls, p_response jsonb)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_missing bigint;
    v_repeated text[];
begin
    if exists (
        select from finance.payout_calls as c
        where c.rail_batch_id = p_response #>> '{data,id}'
        and (c.batch_id, c.sequence) <> (p_call.batch_id, p_call.sequence)
    ) then
        perform finance.open_break('repeated_batch_id', p_call.batch_id || '/' || p_call.sequence,
            format('the rail answers call %s of batch %s with id %s, which is another call''s',
                p_call.sequence, p_call.batch_id, p_response #>> '{data,id}'));
        update finance.payout_calls set state = 'accepted'
        where batch_id = p_call.batch_id and sequence = p_call.sequence;
    else
        update finance.payout_calls
        set state = 'accepted', rail_batch_id = p_response #>> '{data,id}'
        where batch_id = p_call.batch_id and sequence = p_call.sequence;
    end if;
    -- One id for several payouts: which of the lines it pays nobody can tell from this response.
    select coalesce(array_agg(r.payout_id), '{}') into v_repeated
    from (
        select p.payout ->> 'id' as payout_id
        from jsonb_array_elements(finance.payouts_of(p_response)) as p (payout)
        group by p.payout ->> 'id' having count(*) > 1
    ) as r;
    perform finance.open_break('repeated_payout_id', r.payout_id,
        format('the rail answers call %s of batch %s with id %s for more than one payout: ask halfin which line each pays',
            p_call.sequence, p_call.batch_id, r.payout_id))
    from unnest(v_repeated) as r (payout_id);
    -- The common case at once, all else one by one.
    with answered as (
        select p.payout from jsonb_array_elements(finance.payouts_of(p_response)) as p (payout)
        where finance.class_of_status(p.payout ->> 'status') = 'open'
        and p.payout ->> 'id' <> all(v_repeated) and not exists (
            select from finance.payout_lines as o where o.payout_id = p.payout ->> 'id'
        )
    ),
    moved as (
        update finance.payout_lines as l
        set state = 'submitted', payout_id = a.payout ->> 'id', rail_status = a.payout ->> 'status'
        from answered as a
        where l.idempotency_key = a.payout ->> 'idempotency_key'
        and finance.mismatch(a.payout, l) is null
        -- Not as conditions that an index answers: statistics do not know a new batch, and each payout
        -- would be compared with each of its lines.
        and case
            when l.batch_id = p_call.batch_id and l.call_sequence = p_call.sequence
                then l.state = 'frozen' and l.payout_id is null
        end
        returning l.line_id, l.payout_id
    )
    insert into finance.line_events (line_id, kind, source, detail)
    select m.line_id, 'submitted', 'answer', m.payout_id from moved as m;
    perform finance.record_payout(p.payout, 'answer')
    from jsonb_array_elements(finance.payouts_of(p_response)) as p (payout)
    where p.payout ->> 'id' <> all(v_repeated) and not exists (
        select from finance.payout_lines as l
        where l.payout_id = p.payout ->> 'id' and l.rail_status = p.payout ->> 'status'
    );
    select count(*) into v_missing from finance.payout_lines as l
    where l.batch_id = p_call.batch_id and l.call_sequence = p_call.sequence
    and l.payout_id is null;
    if v_missing > 0 then
        perform finance.open_break('missing_payouts', p_call.batch_id || '/' || p_call.sequence,
            format('the rail accepted call %s of batch %s but %s of its lines are not in the answer',
                p_call.sequence, p_call.batch_id, v_missing));
    end if;
end;
$$;

create or replace function finance.reject_call(
    p_batch finance.payout_batches, p_call finance.payout_calls, p_response jsonb
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_message text := coalesce(p_response #>> '{error,message}', 'no reason given');
    v_others_go_on constant boolean := finance.others_go_on(p_call, p_response);
    v_refused text[];
    v_others text[];
    v_next integer;
begin
    update finance.payout_calls set state = 'rejected'
    where batch_id = p_call.batch_id and sequence = p_call.sequence;
    -- What the rail names none of it refuses whole.
    select
        array_agg(l.line_id) filter (where not v_others_go_on or n.line_id is not null),
        array_agg(l.line_id) filter (where v_others_go_on and n.line_id is null)
    into v_refused, v_others
    from finance.payout_lines as l
    left join finance.named_lines(p_call, p_response) as n on l.line_id = n.line_id
    where l.batch_id = p_call.batch_id and l.call_sequence = p_call.sequence
    and l.state = 'frozen';
    update finance.payout_lines as l set
        failure_code = case when n.reason is null then 'refused_with_its_call' else 'refused' end,
        failure_reason = coalesce(n.reason, v_message)
    from unnest(v_refused) as r (line_id)
    left join finance.named_lines(p_call, p_response) as n on r.line_id = n.line_id
    where l.line_id = r.line_id;
    -- One call of several: the others go on, so these lines have failed, for certain.
    if (select count(*) from finance.payout_calls as c where c.batch_id = p_call.batch_id) > 1 then
        update finance.payout_lines set outcome_at = public.settle_now()
        where line_id = any(v_refused);
        perform finance.return_lines(v_refused, 'failed');
        insert into finance.line_events (line_id, kind, source, detail)
        select l.line_id, 'refused', 'answer', l.failure_reason from finance.payout_lines as l
        where l.line_id = any(v_refused);
        if v_others_go_on then
            v_next := finance.split_call(p_batch, p_call, v_others);
        end if;
        perform finance.raise_alert('refused', p_batch.payout_window,
            finance.refusal_message(p_batch, p_call, v_message));
    end if;
end;
$$;

create or replace function finance.refusal_message(
    p_batch finance.payout_batches, p_call finance.payout_calls, p_message text
) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select format('the rail refused call %s of %s, %s: %s', p_call.sequence,
        p_batch.payout_window,
        coalesce(
            (
                select format('%s of its %s lines came back and the others go into call %s',
                    p_call.line_count - n.line_count, p_call.line_count, n.sequence)
                from finance.payout_calls as n
                where n.batch_id = p_call.batch_id and n.follows = p_call.sequence
            ),
            'its lines came back'
        ),
        finance.rejection_summary(p_batch.batch_id, p_call.sequence, p_message))
$$;
comment on function finance.refusal_message(finance.payout_batches, finance.payout_calls, text) is
'One line on a refused call of several: which of its lines came back, and where the others go.';

create or replace function finance.reject_batch(p_batch finance.payout_batches, p_verdict text)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_lines text[];
begin
    select array_agg(l.line_id) into v_lines from finance.payout_lines as l
    where l.batch_id = p_batch.batch_id and l.state in ('frozen', 'failed');
    perform finance.return_lines(v_lines, 'rejected');
    insert into finance.line_events (line_id, kind, source)
    select l, 'rejected', 'answer' from unnest(v_lines) as l;
    -- An approval is good for one attempt: the next one takes a new decision.
    update finance.approvals set revoked_by = session_user, revoked_at = public.settle_now()
    where payout_window = p_batch.payout_window and run = p_batch.run and revoked_at is null;
    perform finance.raise_alert(
        case p_verdict when 'withdrawn' then 'withdrawn' else 'rejected' end,
        p_batch.payout_window, b.state_note
    )
    from finance.payout_batches as b where b.batch_id = p_batch.batch_id;
end;
$$;

create or replace function finance.rejection_summary(
    p_batch_id bigint, p_sequence integer, p_message text
) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select finance.truncate_message(p_message) || coalesce(' (' || string_agg(
        case when r.place <= 5 then format('seller %s: %s', r.seller_id, finance.truncate_message(r.failure_reason))
            when r.place = 6 then 'and more' end, '; ' order by r.place) || ')', '')
    from (
        select l.seller_id, l.failure_reason,
            row_number() over (partition by l.batch_id order by l.seller_id) as place
        from finance.payout_lines as l
        where l.batch_id = p_batch_id and l.call_sequence = p_sequence
        and l.failure_code = 'refused'
    ) as r
$$;

create or replace function finance.call_message(
    p_batch finance.payout_batches, p_verdict text, p_last finance.call_attempts
) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_message text := finance.truncate_message(coalesce(
        finance.try_jsonb(p_last.response) #>> '{error,message}',
        nullif(p_last.response, ''), 'no answer'
    ));
    v_details jsonb := finance.try_jsonb(p_last.response) #> '{error,details}';
    v_run constant text := finance.run_name(p_batch.payout_window, p_batch.run);
begin
    return case p_verdict
        when 'accepted' then format('the batch of %s is accepted', v_run)
        when 'conflict' then format('the rail took the batch of %s after it had rejected it: lines that came back may be paid; ask halfin before anybody approves %s again',
            v_run, p_batch.payout_window)
        when 'rejected' then coalesce((
            select format('%s took back the batch of %s, nothing of this call was sent: %s',
                w.withdrawn_by, v_run, w.note)
            from finance.batch_withdrawals as w
            where w.batch_id = p_batch.batch_id
            and not finance.was_sent(p_batch.batch_id, p_last.sequence)
            order by w.withdrawal_id desc limit 1
        ), (
            select finance.refusal_message(p_batch, c, v_message)
            from finance.payout_calls as c
            where c.batch_id = p_batch.batch_id and c.sequence = p_last.sequence and exists (
                select from finance.payout_calls as o
                where o.batch_id = p_batch.batch_id and o.state <> 'rejected'
            )
        ), format('the rail rejected the batch of %s: %s; nothing was paid, the lines came back: mend the cause, review and approve again',
            v_run, case
                when exists (
                    select from finance.payout_lines as l
                    where l.batch_id = p_batch.batch_id and l.failure_code = 'refused'
                ) then finance.rejection_summary(p_batch.batch_id, p_last.sequence, v_message)
                else v_message || coalesce(' (' || finance.truncate_message(v_details ->> 0) || ')', '')
            end))
        when 'stopped' then format('the rail stopped the batch of %s: HTTP %s, %s; it may or may not have it: ask halfin, then run settle pay %s again, it asks with the same key',
            v_run, p_last.http_status, v_message, p_batch.payout_window)
        else format('the batch of %s has no certain answer (HTTP %s, %s); nothing is lost and nothing is paid twice: run settle pay %s again, it asks with the same key',
            v_run, p_last.http_status, v_message, p_batch.payout_window)
    end;
end;
$$;
