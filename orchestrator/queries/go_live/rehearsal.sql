-- What the go-live that waits would do, as the build in asof_settlement has it: what was settled
-- elsewhere, and what its window would pay. One JSON document; money is text with two decimals.
with bounds as (
    select
        b.as_of,
        b.currency,
        b.opened_at,
        w.payout_window,
        w.is_closed
    from asof_settlement_core.int_build as b
    left join asof_settlement.windows as w on b.opened_at = w.window_starts_at
),

elsewhere as (
    select
        k.entry_type,
        count(*) as entries,
        sum(k.amount_minor) as minor
    from asof_settlement_core.int_entries__known as k
    where k.is_settled_elsewhere and k.amount_minor <> 0
    group by k.entry_type
),

first_rows as (
    select s.* from asof_settlement.seller_settlement as s
    inner join bounds as b on s.payout_window = b.payout_window
)

select json_build_object(
    'payout_window', b.payout_window,
    'is_closed', b.is_closed,
    'as_of', b.as_of,
    'currency', b.currency,
    'settled_elsewhere', coalesce((
        select json_agg(json_build_object(
            'entry_type', e.entry_type, 'entries', e.entries, 'total', finance.money(e.minor)
        ) order by e.entry_type) from elsewhere as e
    ), '[]'),
    'pays', (
        select json_build_object(
            'line_count', count(*) filter (where r.status = 'ready'),
            'total', coalesce(sum(r.net) filter (where r.status = 'ready'), 0.00)::text,
            'carried_in', coalesce(sum(r.carried_forward), 0.00)::text,
            'net', coalesce(sum(r.net), 0.00)::text
        ) from first_rows as r
    ),
    'holds', coalesce((
        select json_agg(json_build_object(
            'reason', h.hold_reason, 'seller_count', h.sellers, 'total', h.total::text
        ) order by h.hold_reason)
        from (
            select
                r.hold_reason,
                count(*) as sellers,
                sum(r.net) as total
            from first_rows as r
            where r.hold_reason is not null
            group by r.hold_reason
        ) as h
    ), '[]')
) as rehearsal
from bounds as b
