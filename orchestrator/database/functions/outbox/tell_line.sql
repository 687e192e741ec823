-- What becomes of a line: submitted, paid, failed, returned. Row by row, as a plan that was made for one
-- line would be kept for a batch of thousands.

create or replace function finance.tell_line() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_type constant text := case new.state
        when 'submitted' then 'payout.submitted'
        when 'completed' then 'payout.paid'
        when 'failed' then 'payout.failed'
        when 'returned' then 'payout.returned'
    end;
begin
    if new.state <> old.state and v_type is not null then
        perform finance.write_event(
            v_type, new.seller_id, new.payout_window, new.line_id,
            jsonb_strip_nulls(jsonb_build_object(
                'seller_id', new.seller_id,
                'payout_window', new.payout_window,
                'line_id', new.line_id,
                'amount', finance.money(new.amount_minor),
                'currency', b.currency,
                'rail', new.rail,
                'rail_currency', new.rail_currency,
                'payout_id', new.payout_id,
                'tx_hash', case when v_type in ('payout.paid', 'payout.returned') then new.tx_hash end
            )) || case
                when v_type in ('payout.failed', 'payout.returned') then jsonb_build_object(
                    'failure_code', new.failure_code,
                    'failure_reason', finance.truncate_message(new.failure_reason),
                    'is_credited_back', new.returned_at is not null
                )
                else '{}'::jsonb
            end
        )
        from finance.payout_batches as b where b.batch_id = new.batch_id;
    end if;
    -- What completed after its money had come back holds its seller's next payout.
    if new.retaken_at is not null and old.retaken_at is null then
        perform finance.tell_held(finance.latest_closed_window(), new.seller_id);
    end if;
    return null;
end;
$$;
create or replace trigger tell_line after update on finance.payout_lines for each row
when (old.state <> new.state or (old.retaken_at is null and new.retaken_at is not null))
execute function finance.tell_line();
drop trigger if exists tell_lines on finance.payout_lines;
