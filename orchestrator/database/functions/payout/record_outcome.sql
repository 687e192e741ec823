-- What an outcome does to its line. Called with the line locked and everything matching.

create or replace function finance.record_completed(
    p_line finance.payout_lines, p_payout jsonb, p_source text
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_network_fee constant numeric := finance.fee(p_payout ->> 'network_fee');
    v_fee_amount constant numeric := finance.fee(p_payout ->> 'fee_amount');
begin
    -- What the rail charges may be told later than the outcome.
    update finance.payout_lines set
        state = 'completed', payout_id = p_payout ->> 'id', rail_status = null,
        tx_hash = coalesce(p_payout ->> 'tx_hash', tx_hash),
        network_fee = coalesce(v_network_fee, network_fee),
        fee_amount = coalesce(v_fee_amount, fee_amount),
        failure_code = null, failure_reason = null,
        outcome_at = case when state = 'completed' then outcome_at else public.settle_now() end,
        retaken_at = case
            when returned_at is not null then coalesce(retaken_at, finance.this_instant())
        end
    where line_id = p_line.line_id;
    if (p_payout ->> 'network_fee' is not null and v_network_fee is null)
        or (p_payout ->> 'fee_amount' is not null and v_fee_amount is null) then
        perform finance.raise_alert_once('unreadable_fee', p_line.line_id,
            format('payout %s of seller %s cost %s and %s by the rail, which is not an amount: the fee is left out, ask halfin',
                p_payout ->> 'id', p_line.seller_id,
                finance.truncate_message(coalesce(p_payout ->> 'network_fee', 'nothing')),
                finance.truncate_message(coalesce(p_payout ->> 'fee_amount', 'nothing'))));
    end if;
    if p_line.state = 'completed' then
        return 'completed';
    end if;
    update finance.breaks as b
    set closed_at = public.settle_now(), closed_by = 'an outcome', close_note = 'it completed'
    where b.subject = p_line.line_id and b.kind = 'contrary_outcome' and b.closed_at is null;
    insert into finance.line_events (line_id, kind, source, detail) values (
        p_line.line_id,
        case
            when p_line.state in ('failed', 'rejected', 'returned') then 'completed_after_' || p_line.state
            else 'completed'
        end,
        p_source, p_payout ->> 'id'
    );
    if p_line.state in ('failed', 'rejected', 'returned') then
        perform finance.raise_alert('completed_after_' || p_line.state, p_line.line_id,
            format('payout %s of seller %s in %s completed after it had %s: it counts as paid, and %s comes off the seller''s balance',
                p_payout ->> 'id', p_line.seller_id, p_line.payout_window,
                case p_line.state
                    when 'failed' then 'failed'
                    when 'returned' then 'been sent back'
                    else 'been called rejected'
                end,
                finance.money(p_line.amount_minor)));
    end if;
    return 'completed';
end;
$$;

create or replace function finance.record_failed(
    p_line finance.payout_lines, p_payout jsonb, p_source text
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_code text := p_payout ->> 'failure_code';
    v_reason text := coalesce(p_payout ->> 'failure_reason', v_code);
begin
    if p_line.state = 'completed' then
        if p_source = 'confirmation' and p_line.returned_at is null then
            return finance.record_returned(p_line, p_source, v_code, v_reason);
        end if;
        -- What is under way to us may be older than the completion: it is asked about again.
        perform finance.open_break('failed_after_completed', p_line.line_id,
            format('payout %s of seller %s is called failed after it had completed%s',
                p_payout ->> 'id', p_line.seller_id, case when p_line.returned_at is not null
                    then '; its money was credited back once and taken again: correct it with an adjustment'
                    else '' end));
        return 'break';
    end if;
    if p_line.state in ('frozen', 'submitted') then
        update finance.payout_lines set
            state = 'failed', payout_id = p_payout ->> 'id', rail_status = null,
            failure_code = v_code, failure_reason = coalesce(v_reason, 'no reason given'),
            outcome_at = public.settle_now()
        where line_id = p_line.line_id;
        insert into finance.line_events (line_id, kind, source, detail)
        values (p_line.line_id, 'failed', p_source, v_reason);
    -- A look-up does not say why; the webhook that comes after it does.
    elsif p_line.failure_code is null and v_code is not null then
        update finance.payout_lines set failure_code = v_code, failure_reason = v_reason
        where line_id = p_line.line_id;
    end if;
    if p_source in ('lookup', 'confirmation') and p_line.returned_at is not null then
        update finance.breaks as b
        set closed_at = public.settle_now(), closed_by = 'an outcome',
            close_note = 'the rail says that it failed'
        where b.subject = p_line.line_id and b.kind = 'contrary_outcome' and b.closed_at is null;
    end if;
    if p_source in ('lookup', 'confirmation') and p_line.returned_at is null then
        perform finance.return_lines(array[p_line.line_id], 'failed');
        insert into finance.line_events (line_id, kind, source, detail)
        values (p_line.line_id, 'failure_confirmed', p_source, p_payout ->> 'id');
        return 'returned';
    end if;
    return 'failed';
end;
$$;

create or replace function finance.record_returned(
    p_line finance.payout_lines, p_source text, p_code text, p_reason text
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    update finance.payout_lines set
        failure_code = p_code, failure_reason = coalesce(p_reason, 'the receiver sent it back')
    where line_id = p_line.line_id;
    perform finance.return_lines(array[p_line.line_id], 'returned');
    insert into finance.line_events (line_id, kind, source, detail)
    values (p_line.line_id, 'returned', p_source, coalesce(p_reason, p_line.payout_id));
    perform finance.raise_alert('returned', p_line.line_id,
        format('payout %s of seller %s in %s was paid and has been sent back: %s is credited back to the seller''s balance',
            p_line.payout_id, p_line.seller_id, p_line.payout_window,
            finance.money(p_line.amount_minor)));
    update finance.breaks as b
    set closed_at = public.settle_now(), closed_by = 'an outcome',
        close_note = 'it was sent back'
    where b.subject = p_line.line_id and b.closed_at is null
    and b.kind in ('failed_after_completed', 'returned_by_ledger');
    return 'returned';
end;
$$;
comment on function finance.record_returned(finance.payout_lines, text, text, text) is
'A paid line that was sent back: its money is the seller''s balance again, and its windows another line''s to pay.';

-- The rail's word differs from that of people, or from its own, and money might be paid twice for it.
create or replace function finance.record_contrary(p_line finance.payout_lines, p_payout jsonb)
returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not finance.is_settled_by_people('contrary_outcome', p_line.line_id) then
        perform finance.open_break('contrary_outcome', p_line.line_id,
            format('payout %s of seller %s in %s is %s here and %s by the rail: the seller is held until that is clear',
                p_payout ->> 'id', p_line.seller_id, p_line.payout_window, p_line.state,
                coalesce(finance.truncate_message(p_payout ->> 'status'), 'in no state')));
    end if;
    return 'break';
end;
$$;
comment on function finance.record_contrary(finance.payout_lines, jsonb) is
'A break that holds the seller (outcome_conflict): what the rail says of a line that is decided differs.';

-- What the rail has paid is paid, whatever it or people said of it before.
create or replace function finance.record_after_rejected(
    p_line finance.payout_lines, p_payout jsonb, p_source text
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_later finance.payout_lines;
    v_found text := 'rejected';
    v_class text := finance.class_of_status(p_payout ->> 'status');
begin
    -- A later attempt at the same window has the same key, under which the rail pays once.
    select l.* into v_later from finance.payout_lines as l
    where l.payout_window = p_line.payout_window and l.seller_id = p_line.seller_id
    and l.state <> 'rejected' for update;
    if v_class = 'completed' and v_later.line_id is null then
        v_found := finance.record_completed(p_line, p_payout, p_source);
    elsif v_class = 'completed' and v_later.payout_id is null
        and v_later.idempotency_key = p_line.idempotency_key
        and finance.mismatch(p_payout, v_later) is null then
        v_found := finance.record_completed(v_later, p_payout, p_source);
    elsif v_class <> 'failed' then
        perform finance.open_break('mismatch', p_line.line_id,
            format('payout %s of seller %s differs from its line in state: the batch was rejected',
                p_payout ->> 'id', p_line.seller_id));
        return 'break';
    -- A webhook alone confirms no failure.
    elsif p_source not in ('lookup', 'confirmation') then
        return 'rejected';
    elsif v_later.line_id is null then
        update finance.payout_lines set payout_id = p_payout ->> 'id'
        where line_id = p_line.line_id and payout_id is null;
    end if;
    update finance.breaks as b
    set closed_at = public.settle_now(), closed_by = 'an outcome',
        close_note = 'the rail has told what became of it'
    where b.subject = p_line.line_id and b.kind = 'mismatch' and b.closed_at is null;
    return v_found;
end;
$$;
comment on function finance.record_after_rejected(finance.payout_lines, jsonb, text) is
'What a payout of a rejected line does: completed, it is paid and comes off the balance again; on its way, a break holds its seller; failed, once asked, nothing stays open.';
