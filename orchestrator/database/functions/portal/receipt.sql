-- What a line pays, for its seller and for those who answer them.

create or replace function finance.receipt(p_window text, p_seller text) returns json
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- Of the attempts at the window the latest that was not rejected, else the latest.
    with line as (
        select
            l.*,
            b.attempt,
            b.currency
        from finance.payout_lines as l
        inner join finance.payout_batches as b on l.batch_id = b.batch_id
        where l.payout_window = p_window and l.seller_id = p_seller
        order by l.state = 'rejected', b.attempt desc
        limit 1
    ),

    items as (
        select i.* from finance.receipt_items as i
        where i.line_id = (select l.line_id from line as l)
    ),

    windows as (
        select
            i.entry_window,
            sum(i.amount_minor) as total_minor,
            json_agg(json_build_object(
                'entry_type', i.entry_type, 'source_id', i.source_id, 'order_id', i.order_id,
                'amount', finance.money(i.amount_minor), 'occurred_at', i.occurred_at,
                'known_at', i.known_at
            ) order by i.occurred_at, i.entry_type <> 'order', i.entry_type, i.source_id collate "C")
                as items
        from items as i
        group by i.entry_window
    ),

    types as (
        select
            i.entry_type,
            count(*) as item_count,
            sum(i.amount_minor) as total_minor
        from items as i
        group by i.entry_type
    )

    select json_build_object(
        'line_id', l.line_id,
        'payout_window', l.payout_window,
        'seller_id', l.seller_id,
        'attempt', l.attempt,
        'state', l.state,
        'amount', finance.money(l.amount_minor),
        'currency', l.currency,
        'rail', l.rail,
        'wallet_address', l.wallet_address,
        'payout_id', l.payout_id,
        'tx_hash', l.tx_hash,
        'failure_reason', l.failure_reason,
        'total', finance.money((select sum(w.total_minor) from windows as w)),
        'by_type', (
            select json_agg(json_build_object(
                'entry_type', t.entry_type, 'count', t.item_count,
                'amount', finance.money(t.total_minor)
            ) order by t.total_minor desc, t.entry_type)
            from types as t
        ),
        'windows', (
            select json_agg(json_build_object(
                'entry_window', w.entry_window, 'is_carried_in', w.entry_window <> l.payout_window,
                'total', finance.money(w.total_minor), 'items', w.items
            ) order by c.window_starts_at)
            from windows as w
            inner join finance.window_closes as c on w.entry_window = c.payout_window
        )
    )
    from line as l
$$;
comment on function finance.receipt(text, text) is
'The receipt of a seller''s line in a window: every item it pays, under the window the item comes from, as one document; null where there is no line. Money is text with two decimals.';
