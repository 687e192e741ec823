-- What an outcome does to its line. Called with the line locked and everything matching.

create or replace function finance.record_completed(
    p_line finance.payout_lines, p_payout jsonb, p_source text
) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    -- What the rail charges may be told later than the outcome.
    update finance.payout_lines set
        state = 'completed', payout_id = p_payout ->> 'id', rail_status = null,
        tx_hash = coalesce(p_payout ->> 'tx_hash', tx_hash),
        network_fee = coalesce(finance.try_numeric(p_payout ->> 'network_fee'), network_fee),
        fee_amount = coalesce(finance.try_numeric(p_payout ->> 'fee_amount'), fee_amount),
        failure_code = null, failure_reason = null,
        outcome_at = case when state = 'completed' then outcome_at else public.settle_now() end,
        retaken_at = case
            when returned_at is not null then coalesce(retaken_at, public.settle_now())
        end
    where line_id = p_line.line_id;
    if p_line.state = 'completed' then
        return 'completed';
    end if;
    insert into finance.line_events (line_id, kind, source, detail) values (
        p_line.line_id,
        case p_line.state when 'failed' then 'completed_after_failed' else 'completed' end,
        p_source, p_payout ->> 'id'
    );
    if p_line.state = 'failed' then
        perform finance.raise_alert('completed_after_failed', p_line.line_id,
            format('payout %s of seller %s in %s completed after it had failed: it counts as paid, and %s comes off the seller''s balance',
                p_payout ->> 'id', p_line.seller_id, p_line.payout_window, finance.money(p_line.amount_minor)));
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
        perform finance.open_break('failed_after_completed', p_line.line_id,
            format('payout %s of seller %s is called failed after it had completed', p_payout ->> 'id', p_line.seller_id));
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
    if p_source = 'lookup' and p_line.returned_at is null then
        perform finance.return_lines(array[p_line.line_id], 'failed');
        insert into finance.line_events (line_id, kind, source, detail)
        values (p_line.line_id, 'failure_confirmed', p_source, p_payout ->> 'id');
        return 'returned';
    end if;
    return 'failed';
end;
$$;
