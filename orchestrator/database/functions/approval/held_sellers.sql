-- Who is held in a window, and for what: what people look at before they release, and what a release
-- is compared with.

create or replace function finance.held_sellers(p_window text)
returns table (
    seller_id text, held_for text, hold_reasons text[], is_releasable boolean, net_minor bigint,
    wallet_now text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select
        h.seller_id, h.hold_reasons[1], h.hold_reasons, coalesce(k.is_releasable, false),
        h.net_minor, coalesce(s.wallet_address, finance.last_wallet(h.seller_id))
    from finance.current_holds(p_window, null) as h
    left join finance.hold_reasons as k on h.hold_reasons[1] = k.reason
    left join finance.sellers_now() as s on h.seller_id = s.seller_id
    where cardinality(h.hold_reasons) > 0
$$;
comment on function finance.held_sellers(text) is
'One row per seller that is held in a stored window: the first reason and all of them, whether a person may release the first, the net of the row, and the wallet that the marketplace names now, or named last.';

-- A release covers the wallet there is, and lifts the hold that a person set: with another of either
-- it is another set.
create or replace function finance.held_digest(p_window text, p_reason text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select encode(sha256(convert_to(
        'held|' || p_window || '|' || p_reason || '|' || count(h.seller_id) || E'\n'
        || coalesce(string_agg(
            h.seller_id || '|' || finance.money(h.net_minor) || '|' || h.wallet_now
            || coalesce('|' || k.hold_id, '') || E'\n', ''
            order by h.seller_id collate "C"
        ), ''), 'UTF8'
    )), 'hex')
    from finance.held_sellers(p_window) as h
    left join finance.seller_holds as k on h.seller_id = k.seller_id and k.lifted_at is null
    where h.held_for = p_reason
$$;
comment on function finance.held_digest(text, text) is
'A hash over every seller that is held first for one reason in a stored window: who, how much, the wallet there is now, and the hold that a person set. It changes where the set does.';
