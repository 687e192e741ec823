-- What a seller may see of what dbt builds, one seller at a time. Code in a view of dbt's runs here
-- with the rights of settle_reader, which are dbt's own; it may also change these functions, which
-- belong to that role. So only the portal's login may call them, and no function of the owner's does.

set role settle_reader;

create or replace function dbt_reads.balances(p_zone text) returns jsonb
-- plpgsql keeps the plan for the next request: planning these views takes longer than running them.
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_seller text := portal.seller();
begin
    return (
        with orders as (
            select o.held_amount, o.dispute_window_closes_at
            from settlement.order_reserve as o
            where o.seller_id = v_seller
        ),
        releases as (
            select
                (o.dispute_window_closes_at at time zone p_zone)::date as day,
                sum(o.held_amount) as amount,
                count(*) as orders
            from orders as o
            group by 1
        ),
        balances as (
            select r.* from settlement.seller_reserve as r where r.seller_id = v_seller
        ),
        -- Once, not for each window.
        latest as materialized (
            select finance.latest_closed_window() as payout_window
        ),
        weeks as (
            -- The row of the window that closed last, as long as it is in no batch.
            select
                w.payout_window, w.window_ends_at, w.payout_due_at, h.hold_reasons[1] as hold_reason,
                true as is_closed,
                finance.decimal_amount(h.net_minor) as net
            from latest as c
            cross join lateral finance.current_holds(c.payout_window, v_seller) as h
            inner join settlement.windows as w on c.payout_window = w.payout_window
            where not exists (
                select from finance.payout_lines as l
                where l.payout_window = c.payout_window and l.seller_id = v_seller and l.state <> 'rejected'
            )
            union all
            -- The open one: what is paid or came back since the last build counts at once.
            select
                w.payout_window, w.window_ends_at, w.payout_due_at, null, false,
                coalesce((select r.available_balance from balances as r), 0) + coalesce((
                    select sum(o.held_amount) from orders as o
                    where o.dispute_window_closes_at < w.window_ends_at
                ), 0)
            from settlement.windows as w
            where w.window_starts_at <= (select public.settle_now())
            and w.window_ends_at > (select public.settle_now())
        )
        select jsonb_build_object(
            'seller_id', a.seller_id,
            'display_name', a.display_name,
            'currency', b.currency,
            'as_of', b.as_of,
            'rail', a.rail,
            'wallet_address', a.wallet_address,
            'pending_balance', coalesce(r.pending_balance, 0.00)::text,
            'available_balance', coalesce(r.available_balance, 0.00)::text,
            'in_transit', coalesce(r.in_transit, 0.00)::text,
            'paid_out', coalesce(r.paid_out, 0.00)::text,
            'disputed_amount', coalesce(r.disputed_amount, 0.00)::text,
            'next_release_at', r.next_release_at,
            'next_release_amount', r.next_release_amount::text,
            'weeks', coalesce((
                select jsonb_agg(jsonb_build_object(
                    'payout_window', w.payout_window, 'status', finance.payout_status(
                        w.is_closed, null, w.hold_reason is not null, false
                    ),
                    'amount', w.net::text,
                    'hold_reason', w.hold_reason, 'hold_message', k.seller_message,
                    'closes_at', w.window_ends_at, 'payout_due_at', w.payout_due_at
                ) order by w.payout_due_at)
                from weeks as w
                left join finance.hold_reasons as k on w.hold_reason = k.reason
            ), '[]'),
            'releases', coalesce((
                select jsonb_agg(jsonb_build_object(
                    'day', l.day, 'amount', l.amount::text, 'orders', l.orders
                ) order by l.day) from releases as l
            ), '[]'),
            'reserve_order_count', coalesce((select sum(l.orders) from releases as l), 0)
        )
        from settlement.seller_accounts as a
        left join balances as r on a.seller_id = r.seller_id
        cross join settlement_core.int_build as b
        where a.seller_id = v_seller
    );
end;
$$;

create or replace function dbt_reads.reserve_orders(p_offset integer, p_limit integer)
returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        jsonb_agg(jsonb_build_object(
            'order_id', o.order_id, 'gross', o.gross::text, 'held_amount', o.held_amount::text,
            'ordered_at', o.ordered_at, 'dispute_window_closes_at', o.dispute_window_closes_at
        ) order by o.dispute_window_closes_at, o.order_id collate "C"),
        '[]'
    )
    from (
        select r.* from settlement.order_reserve as r
        where r.seller_id = (select portal.seller())
        order by r.dispute_window_closes_at, r.order_id collate "C"
        offset p_offset
        limit p_limit
    ) as o
$$;

create or replace function dbt_reads.disputes() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        jsonb_agg(jsonb_build_object(
            'dispute_id', d.dispute_id, 'order_id', d.order_id, 'opened_at', d.opened_at,
            'amount', d.amount, 'outcome', d.outcome, 'outcome_at', d.outcome_at,
            'given_back', d.given_back, 'borne_by', d.borne_by
        ) order by d.opened_at desc, d.dispute_id collate "C"),
        '[]'
    )
    from (
        select
            i.dispute_id, i.order_id, i.opened_at, i.outcome,
            case when i.outcome is not null then i.outcome_at end as outcome_at,
            finance.decimal_amount(i.opened_minor)::text as amount,
            finance.decimal_amount(i.given_back_minor)::text as given_back,
            case when i.is_in_time then 'seller' else 'marketplace' end as borne_by
        from settlement_core.int_disputes as i
        where i.seller_id = (select portal.seller())
        order by i.opened_at desc, i.dispute_id collate "C"
        limit 50
    ) as d
$$;

set role settle_owner;
