-- What a seller asks about: balances, what is under way, what is in reserve and until when, the last
-- payouts, and what holds the next. One JSON document; money is text with two decimals.
with seller as (
    select
        coalesce(a.seller_id, r.seller_id) as seller_id,
        a.display_name,
        a.rail,
        a.wallet_address,
        coalesce(r.pending_balance, 0.00) as pending_balance,
        coalesce(r.available_balance, 0.00) as available_balance,
        coalesce(r.in_transit, 0.00) as in_transit,
        coalesce(r.paid_out, 0.00) as paid_out,
        coalesce(r.disputed_amount, 0.00) as disputed_amount,
        r.next_release_at,
        r.next_release_amount
    from (select * from settlement.seller_accounts where seller_id = %(seller)s) as a
    full join (select * from settlement.seller_reserve where seller_id = %(seller)s) as r
        on a.seller_id = r.seller_id
),

-- The latest windows with a row of the seller, looked up one by one until there are enough.
recent as (
    select
        w.payout_window,
        w.window_starts_at,
        w.window_ends_at,
        found.*
    from (select * from settlement.windows order by window_starts_at desc offset 0) as w
    cross join lateral (
        select
            r.net_minor,
            r.rail,
            r.hold_reasons
        from finance.window_close_rows as r
        where r.payout_window = w.payout_window and r.seller_id = %(seller)s
        union all
        select
            c.net_minor,
            c.rail,
            c.hold_reasons
        from settlement_core.int_settlement__computed as c
        where
            c.payout_window = w.payout_window and c.seller_id = %(seller)s
            and not exists (
                select from finance.window_closes as k where k.payout_window = c.payout_window
            )
        limit 1
    ) as found
    order by w.window_starts_at desc
    limit 12
),

current_holds as materialized (
    select
        n.payout_window,
        c.hold_reasons
    from (select finance.latest_closed_window() as payout_window) as n
    cross join lateral finance.current_holds(n.payout_window, %(seller)s) as c
),

-- As settlement.seller_settlement has them, for this one seller.
payouts as (
    select
        r.payout_window,
        r.window_starts_at,
        finance.decimal_amount(r.net_minor) as net,
        r.rail,
        finance.payout_status(
            r.window_ends_at <= settle_now(), l.state,
            cardinality(coalesce(h.hold_reasons, r.hold_reasons)) > 0,
            finance.window_ends_at(r.window_ends_at, b.settlement_timezone) <= settle_now()
        ) as status,
        case
            when r.window_ends_at <= settle_now() and l.state is null
                then (coalesce(h.hold_reasons, r.hold_reasons))[1]
        end as hold_reason,
        case when coalesce(l.outcome_at, l.returned_at) is not null then l.failure_reason end
            as failure_reason
    from recent as r
    cross join settlement_core.int_build as b
    left join current_holds as h on r.payout_window = h.payout_window
    left join finance.payout_lines as l
        on
            r.payout_window = l.payout_window
            and l.seller_id = %(seller)s
            and l.state <> 'rejected'
),

holds as (
    select
        h.reason,
        k.hold_rank,
        p.note,
        p.held_by,
        p.held_at
    from (
        select unnest(c.hold_reasons)
        from current_holds as c
        union
        select 'manual_review' from finance.seller_holds as s
        where s.seller_id = %(seller)s and s.lifted_at is null
    ) as h (reason)
    left join finance.hold_reasons as k on h.reason = k.reason
    left join finance.seller_holds as p
        on p.seller_id = %(seller)s and p.lifted_at is null and h.reason = 'manual_review'
)

select json_build_object(
    'seller_id', s.seller_id,
    'display_name', s.display_name,
    'as_of', (select b.as_of from finance.build_instants as b where b.target_schema = 'settlement'),
    'currency', (select i.currency from finance.installation as i),
    'rail', s.rail,
    'wallet_address', s.wallet_address,
    'pending_balance', s.pending_balance::text,
    'available_balance', s.available_balance::text,
    'why_they_differ', concat_ws(' ',
        'Pending is the money of orders whose dispute window is still open; each becomes available when its own closes.',
        'Available is what was released and is in no payout yet: it goes out with the next one, unless something holds it.',
        case when s.available_balance < 0 then 'It is below zero: what is released next makes up for it first.' end,
        case when s.in_transit > 0 then 'What is in transit is in neither.' end
    ),
    'in_transit', s.in_transit::text,
    'paid_out', s.paid_out::text,
    'disputed_amount', s.disputed_amount::text,
    'next_release_at', s.next_release_at,
    'next_release_amount', s.next_release_amount::text,
    'holds', coalesce((
        select json_agg(json_build_object(
            'reason', h.reason, 'note', h.note, 'held_by', h.held_by, 'held_at', h.held_at
        ) order by h.hold_rank) from holds as h
    ), '[]'),
    'payouts', coalesce((
        select json_agg(json_build_object(
            'payout_window', p.payout_window, 'net', p.net::text, 'rail', p.rail,
            'status', p.status, 'hold_reason', p.hold_reason, 'failure_reason', p.failure_reason
        ) order by p.window_starts_at desc) from payouts as p
    ), '[]'),
    'orders_in_reserve', coalesce((
        select json_agg(json_build_object(
            'order_id', o.order_id, 'gross', o.gross::text, 'held_amount', o.held_amount::text,
            'ordered_at', o.ordered_at, 'dispute_window_closes_at', o.dispute_window_closes_at
        ) order by o.dispute_window_closes_at, o.order_id collate "C")
        from settlement.order_reserve as o where o.seller_id = %(seller)s
    ), '[]')
) as statement
from seller as s
