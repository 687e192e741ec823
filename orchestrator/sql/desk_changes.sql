-- What is otherwise than in the latest standing approval of the window: no row where there is none.
with approval as (
    select a.approval_id
    from finance.approvals as a
    where a.payout_window = %(window)s and a.revoked_at is null
    order by a.approval_id desc
    limit 1
),

approved as (
    select l.*
    from finance.approval_lines as l
    inner join approval as a on l.approval_id = a.approval_id
),

ready as (
    select h.*
    from finance.current_holds(%(window)s) as h
    where cardinality(h.hold_reasons) = 0
)

select
    coalesce(r.seller_id, p.seller_id) as seller,
    case
        when p.seller_id is null then 'new: not approved'
        when r.seller_id is null then 'held now: left out'
        else 'changed: not approved'
    end as change,
    (p.net_minor / 100.0)::numeric(20, 2) as approved,
    (r.net_minor / 100.0)::numeric(20, 2) as now
from ready as r
full join approved as p on r.seller_id = p.seller_id
where
    exists (select from approval)
    and (r.net_minor, r.rail, r.rail_currency, r.wallet_address)
    is distinct from (p.net_minor, p.rail, p.rail_currency, p.wallet_address)
order by 1
limit %(limit)s
