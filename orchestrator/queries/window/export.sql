-- The rows of one window that would be paid, or were frozen; the digest beside them names exactly
-- these. No row where the window has no digest: not stored, or its amounts have moved on.
with named as (
    select b.digest
    from finance.payout_batches as b
    where b.payout_window = %(window)s and b.state <> 'rejected'
    union all
    select p.digest
    from finance.payable(%(window)s) as p
    where %(window)s = finance.latest_closed_window() and not exists (
        select from finance.payout_batches as b
        where b.payout_window = %(window)s and b.state <> 'rejected'
    )
)

select
    n.digest,
    s.*
from named as n
left join settlement.seller_settlement as s
    on s.payout_window = %(window)s and s.status in ('ready', 'submitted', 'paid', 'failed')
order by s.seller_id collate "C"
