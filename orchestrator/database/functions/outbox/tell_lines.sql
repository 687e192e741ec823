-- What becomes of a line: submitted, paid, failed, returned.

create or replace function finance.tell_lines() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.write_event(
        m.event_type, m.seller_id, m.payout_window, m.line_id,
        jsonb_strip_nulls(jsonb_build_object(
            'seller_id', m.seller_id,
            'payout_window', m.payout_window,
            'line_id', m.line_id,
            'amount', finance.money(m.amount_minor),
            'currency', b.currency,
            'rail', m.rail,
            'rail_currency', m.rail_currency,
            'payout_id', m.payout_id,
            'tx_hash', case when m.event_type in ('payout.paid', 'payout.returned') then m.tx_hash end
        )) || case
            when m.event_type in ('payout.failed', 'payout.returned') then jsonb_build_object(
                'failure_code', m.failure_code,
                'failure_reason', finance.truncate_message(m.failure_reason),
                'is_credited_back', m.returned_at is not null
            )
            else '{}'::jsonb
        end
    )
    from (
        select
            n.*,
            case n.state
                when 'submitted' then 'payout.submitted'
                when 'completed' then 'payout.paid'
                when 'failed' then 'payout.failed'
                when 'returned' then 'payout.returned'
            end as event_type
        from after as n
        inner join before as o on n.line_id = o.line_id and n.state <> o.state
    ) as m
    inner join finance.payout_batches as b on m.batch_id = b.batch_id
    where m.event_type is not null
    order by m.seller_id, m.line_id;
    -- What completed after its money had come back holds its seller's next payout.
    perform finance.tell_held(finance.latest_closed_window(), n.seller_id)
    from after as n
    inner join before as o on n.line_id = o.line_id
    where n.retaken_at is not null and o.retaken_at is null
    order by n.seller_id;
    return null;
end;
$$;
create or replace trigger tell_lines after update on finance.payout_lines
referencing old table as before new table as after
for each statement execute function finance.tell_lines();
