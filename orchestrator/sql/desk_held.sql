-- Who is held for a reason that a person may release, the largest amounts first.
select
    h.seller_id as seller,
    h.hold_reasons[1] as held_for,
    (h.net_minor / 100.0)::numeric(20, 2) as net
from finance.current_holds(%(window)s) as h
where
    h.hold_reasons[1] in (
        'seller_closed', 'wallet_changed', 'wallet_shared', 'manual_review', 'repeated_failure',
        'above_maximum'
    )
order by h.net_minor desc, h.seller_id
limit %(limit)s
