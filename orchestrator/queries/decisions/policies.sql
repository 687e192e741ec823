-- Limits: what holds now, then what waits for another person, then what was.
with policies as (
    select
        p.*,
        p.policy_id is not distinct from (
            select n.policy_id from finance.policies as n
            where n.name = p.name and n.rail = p.rail and n.confirmed_at <= settle_now()
            order by n.confirmed_at desc, n.policy_id desc
            limit 1
        ) as holds
    from finance.policies as p
)

select
    p.policy_id,
    case
        when p.holds then 'holds'
        when p.withdrawn_at is not null then 'withdrawn'
        when p.confirmed_at is null then 'open'
        else 'replaced'
    end as state,
    p.name,
    nullif(p.rail, '') as rail,
    finance.money(p.amount_minor) as amount,
    p.note,
    p.proposed_by,
    p.proposed_at,
    p.confirmed_by,
    p.confirmed_at,
    p.withdrawn_by,
    p.withdrawn_at
from policies as p
order by
    p.holds desc, p.confirmed_at is null and p.withdrawn_at is null desc,
    case when p.holds then p.name || p.rail end, p.policy_id desc
