-- What a close must add up to before it is stored.

create or replace function finance.check_close(p_window text, p_latest text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_close finance.window_closes;
    v_stored record;
    v_wrong text;
begin
    select c.* into v_close from finance.window_closes as c where c.payout_window = p_window;
    -- All that was handed over, and no part of it. Each figure by itself: entries and facts may be on
    -- other nodes.
    select
        (select count(*) from finance.window_close_rows as r where r.payout_window = p_window)
        = h.row_count
        and (
            select coalesce(sum(r.net_minor), 0) from finance.window_close_rows as r
            where r.payout_window = p_window
        ) = h.net_minor
        and (select count(*) from finance.window_close_entries as e where e.payout_window = p_window)
        = h.entry_count
        and (
            select coalesce(sum(e.amount_minor), 0) from finance.window_close_entries as e
            where e.payout_window = p_window
        ) = h.entry_minor
        and (select count(*) from finance.window_close_facts as f where f.payout_window = p_window)
        = h.fact_count
        and (select count(*) from finance.window_close_health as s where s.payout_window = p_window)
        = h.health_count
        as is_whole
    into v_stored
    from handover.closes as h where h.payout_window = p_window;
    if v_stored.is_whole is not true then
        raise exception 'a part of the rows of % is missing: nothing was stored, build again', p_window;
    end if;
    -- A wallet that its seller never named did not come from the marketplace.
    select min(r.seller_id) into v_wrong from finance.window_close_rows as r
    where r.payout_window = p_window and r.wallet_address <> '' and not exists (
        select from finance.wallet_sightings as s
        where s.seller_id = r.seller_id and s.wallet_address = r.wallet_address
    );
    if v_wrong is not null then
        raise exception 'the row of seller % in % has a wallet that the marketplace never gave for that seller: nothing was stored; find out which model named it',
            v_wrong, p_window;
    end if;
    select min(r.seller_id) into v_wrong from finance.window_close_rows as r
    where r.payout_window = p_window
    and not r.hold_reasons <@ array(select k.reason from finance.hold_reasons as k);
    if v_wrong is not null then
        raise exception 'the row of seller % in % is held for a reason that is not in finance.hold_reasons: nothing was stored; add the reason there',
            v_wrong, p_window;
    end if;
    -- Each row is the sum of its entries and of what was carried in, to the cent. An opening balance is
    -- carried in.
    select min(coalesce(e.seller_id, r.seller_id)) into v_wrong
    from (
        select w.seller_id, sum(w.amount_minor) as new_minor from finance.window_close_entries as w
        where w.payout_window = p_window and w.entry_type <> 'opening_balance'
        group by w.seller_id
    ) as e
    full join (
        select w.seller_id, w.net_minor - w.carried_forward_minor as new_minor
        from finance.window_close_rows as w where w.payout_window = p_window
    ) as r on e.seller_id = r.seller_id
    where coalesce(e.new_minor, 0) <> coalesce(r.new_minor, 0);
    if v_wrong is not null then
        raise exception 'the row of seller % in % is not the sum of its entries: nothing was stored, build again',
            v_wrong, p_window;
    end if;
    -- What is carried in is what the close before left, less its lines, with what came back in the
    -- window: nothing is paid on a build that missed a freeze or a return.
    select min(coalesce(c.seller_id, r.seller_id)) into v_wrong
    from (
        select m.seller_id, sum(m.amount_minor) as carried_minor
        from (
            select w.seller_id, w.net_minor as amount_minor from finance.window_close_rows as w
            where w.payout_window = p_latest
            union all
            select l.seller_id, -l.amount_minor from finance.payout_lines as l
            where l.payout_window = p_latest
            union all
            select l.seller_id, l.amount_minor from finance.payout_lines as l
            where l.returned_at >= v_close.window_starts_at and l.returned_at < v_close.window_ends_at
            union all
            select l.seller_id, -l.amount_minor from finance.payout_lines as l
            where l.retaken_at >= v_close.window_starts_at and l.retaken_at < v_close.window_ends_at
            union all
            select o.seller_id, o.amount_minor from finance.opening_balances as o
            inner join finance.go_lives as g on o.go_live_id = g.go_live_id
            where g.approved_at is not null and g.payout_window = p_window
        ) as m
        group by m.seller_id
    ) as c
    full join (
        select w.seller_id, w.carried_forward_minor from finance.window_close_rows as w
        where w.payout_window = p_window
    ) as r on c.seller_id = r.seller_id
    where coalesce(c.carried_minor, 0) <> coalesce(r.carried_forward_minor, 0);
    if v_wrong is not null then
        raise exception 'the row of seller % in % does not carry in what % left: nothing was stored, build again',
            v_wrong, p_window, coalesce(p_latest, 'nothing');
    end if;
    -- An adjustment that was approved while the build ran would be in no window. One from before the
    -- go-live was settled elsewhere.
    select min(a.seller_id) into v_wrong
    from finance.adjustments as a
    left join (
        select w.seller_id, w.source_id from finance.window_close_entries as w
        where w.entry_type = 'adjustment'
    ) as w on a.seller_id = w.seller_id and a.adjustment_id::text = w.source_id
    where a.approved_at < v_close.window_ends_at and w.seller_id is null
    and a.approved_at >= coalesce((finance.go_live()).starts_at, '-infinity');
    if v_wrong is not null then
        raise exception 'an adjustment of seller % was approved while % was computed: nothing was stored, build again',
            v_wrong, p_window;
    end if;
end;
$$;
comment on function finance.check_close(text, text) is
'Raises unless each stored row is the sum of its entries and of what the close before, p_latest, left with the seller.';
