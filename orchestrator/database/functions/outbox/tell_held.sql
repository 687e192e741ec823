-- Who is held, and why: at the close, when a person holds or blocks, and at the freeze at the latest.

create or replace function finance.tell_held(p_window text, p_seller text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.write_event(
        'payout.held', h.seller_id, p_window, null,
        jsonb_build_object(
            'seller_id', h.seller_id,
            'payout_window', p_window,
            'amount', finance.money(h.net_minor),
            'currency', c.currency,
            'hold_reason', h.hold_reasons[1],
            'hold_reasons', to_jsonb(h.hold_reasons),
            'message', k.seller_message
        )
    )
    from finance.current_holds(p_window, p_seller) as h
    inner join finance.window_closes as c on c.payout_window = p_window
    left join finance.hold_reasons as k on k.reason = h.hold_reasons[1]
    left join lateral (
        select e.data ->> 'hold_reason' as reason, e.recorded_at from finance.events as e
        where e.seller_id = h.seller_id and e.payout_window = p_window
        and e.event_type = 'payout.held'
        order by e.event_number desc limit 1
    ) as told on true
    where h.net_minor <> 0 and cardinality(h.hold_reasons) > 0
    and not exists (
        select from finance.payout_lines as l
        where l.payout_window = p_window and l.seller_id = h.seller_id and l.state <> 'rejected'
    )
    and (
        told.reason is distinct from h.hold_reasons[1] or exists (
            select from finance.hold_releases as x
            where x.payout_window = p_window and x.seller_id = h.seller_id
            and x.reason = h.hold_reasons[1] and x.released_at >= told.recorded_at
        )
    )
    order by h.seller_id;
end;
$$;
comment on function finance.tell_held(text, text) is
'Tells what holds the seller (null: each seller) in a window, where it was not told yet, there is an amount and no line pays it.';

create or replace function finance.tell_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.tell_held(finance.latest_closed_window(), s.seller_id)
    from (
        select distinct to_jsonb(n) ->> 'seller_id' as seller_id from decided as n
        where tg_table_name = 'seller_holds'
        union
        select r.seller_id from decided as n
        inner join finance.window_close_rows as r
            on r.payout_window = finance.latest_closed_window()
            and lower(r.wallet_address) = lower(to_jsonb(n) ->> 'wallet_address')
        where tg_table_name = 'wallet_blocks'
    ) as s
    order by s.seller_id;
    return null;
end;
$$;
create or replace trigger tell_decision after insert on finance.seller_holds
referencing new table as decided
for each statement execute function finance.tell_decision();
create or replace trigger tell_decision after insert on finance.wallet_blocks
referencing new table as decided
for each statement execute function finance.tell_decision();

-- At the end of a freeze each row of the window is a line, or its seller was told why not: also what
-- the marketplace itself brought about since the close, a suspension or another wallet.
create or replace function finance.tell_freeze() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.tell_held(new.payout_window, null);
    return null;
end;
$$;
drop trigger if exists tell_freeze on finance.payout_batches;
create constraint trigger tell_freeze after insert on finance.payout_batches
deferrable initially deferred
for each row execute function finance.tell_freeze();
