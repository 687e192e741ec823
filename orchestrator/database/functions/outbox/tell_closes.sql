-- What a close tells: whose orders' dispute windows ended, and who is held.

create or replace function finance.tell_close() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.write_event(
        'reserve.released', r.seller_id, r.payout_window, null,
        jsonb_build_object(
            'seller_id', r.seller_id,
            'payout_window', r.payout_window,
            'amount', finance.money(r.gross_minor),
            'currency', c.currency,
            'order_count', r.order_count,
            'window_starts_at', to_jsonb(c.window_starts_at at time zone 'UTC') #>> '{}' || 'Z',
            'window_ends_at', to_jsonb(c.window_ends_at at time zone 'UTC') #>> '{}' || 'Z'
        )
    )
    from stored as r
    inner join finance.window_closes as c on r.payout_window = c.payout_window
    where r.order_count > 0
    order by r.payout_window, r.seller_id;
    -- In a window before the latest one nothing is held any more: its amounts moved on.
    perform finance.tell_held(w.payout_window, null)
    from (select distinct s.payout_window from stored as s) as w
    where w.payout_window = finance.latest_closed_window();
    return null;
end;
$$;
create or replace trigger tell_close after insert on finance.window_close_rows
referencing new table as stored
for each statement execute function finance.tell_close();
