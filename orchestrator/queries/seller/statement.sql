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
            r.gross_minor,
            r.fees_minor,
            r.taxes_minor,
            r.refunds_minor,
            r.disputes_minor,
            r.charges_minor,
            r.adjustments_minor,
            r.carried_forward_minor,
            r.net_minor,
            r.rail,
            r.hold_reasons
        from finance.window_close_rows as r
        where r.payout_window = w.payout_window and r.seller_id = %(seller)s
        union all
        select
            c.gross_minor,
            c.fees_minor,
            c.taxes_minor,
            c.refunds_minor,
            c.disputes_minor,
            c.charges_minor,
            c.adjustments_minor,
            c.carried_forward_minor,
            c.net_minor,
            c.rail,
            c.hold_reasons
        from settlement_core.int_settlement__live as c
        where c.payout_window = w.payout_window and c.seller_id = %(seller)s
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
        r.gross_minor,
        r.fees_minor,
        r.taxes_minor,
        r.refunds_minor,
        r.disputes_minor,
        r.charges_minor,
        r.adjustments_minor,
        r.carried_forward_minor,
        r.net_minor,
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
),

orders as materialized (
    select o.* from settlement.order_reserve as o where o.seller_id = %(seller)s
),

reserve as (
    select coalesce(sum(o.held_back), 0.00) as held_back from orders as o
),

-- Carried in from the system that paid before the go-live.
opening as (
    select
        json_build_object(
            'payout_window', g.payout_window, 'amount', finance.money(b.amount_minor)
        ) as opening
    from finance.go_lives as g
    inner join finance.opening_balances as b on g.go_live_id = b.go_live_id
    where g.approved_at is not null and b.seller_id = %(seller)s
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
        case when r.held_back > 0 then concat('Of it ', r.held_back, ' is held back for longer, under the seller''s reserve policy.') end,
        'Available is what was released and is in no payout yet: it goes out with the next one, unless something holds it.',
        case when s.available_balance < 0 then 'It is below zero: what is released next makes up for it first.' end,
        case when s.in_transit > 0 then 'What is in transit is in neither.' end
    ),
    'in_transit', s.in_transit::text,
    'paid_out', s.paid_out::text,
    'disputed_amount', s.disputed_amount::text,
    'held_back', r.held_back::text,
    'opening_balance', (select o.opening from opening as o),
    'next_release_at', s.next_release_at,
    'next_release_amount', s.next_release_amount::text,
    'holds', coalesce((
        select json_agg(json_build_object(
            'reason', h.reason, 'note', h.note, 'held_by', h.held_by, 'held_at', h.held_at
        ) order by h.hold_rank) from holds as h
    ), '[]'),
    'hold_id', (
        select p.hold_id from finance.seller_holds as p
        where p.seller_id = %(seller)s and p.lifted_at is null
    ),
    'payouts', coalesce((
        select json_agg(json_build_object(
            'payout_window', p.payout_window, 'gross', finance.money(p.gross_minor),
            'fees', finance.money(p.fees_minor), 'taxes', finance.money(p.taxes_minor),
            'refunds', finance.money(p.refunds_minor),
            'disputes', finance.money(p.disputes_minor),
            'charges', finance.money(p.charges_minor),
            'adjustments', finance.money(p.adjustments_minor),
            'carried_forward', finance.money(p.carried_forward_minor),
            'net', finance.money(p.net_minor), 'rail', p.rail,
            'status', p.status, 'hold_reason', p.hold_reason, 'failure_reason', p.failure_reason
        ) order by p.window_starts_at desc) from payouts as p
    ), '[]'),
    'orders_in_reserve', coalesce((
        select json_agg(json_build_object(
            'order_id', o.order_id, 'gross', o.gross::text, 'held_amount', o.held_amount::text,
            'ordered_at', o.ordered_at, 'dispute_window_closes_at', o.dispute_window_closes_at,
            'held_back', o.held_back::text, 'held_back_until', o.held_back_until,
            'order_currency', o.order_currency,
            'order_amount', round(o.order_amount, c.decimals)::text,
            'reserve_policy', o.reserve_policy
        ) order by o.dispute_window_closes_at, o.order_id collate "C")
        from orders as o
        inner join settlement_seeds.currencies as c on o.order_currency = c.currency
    ), '[]')
) as statement
from seller as s
cross join reserve as r
