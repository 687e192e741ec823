-- Sellers' reserve policies: what waits for another person, oldest first, then the 20 decided last.
with decided as (
    select
        a.assignment_id,
        coalesce(a.approved_at, a.withdrawn_at) as decided_at
    from finance.reserve_assignments as a
    where coalesce(a.approved_at, a.withdrawn_at) is not null
    order by 2 desc, 1 desc
    limit 20
)

select
    a.assignment_id,
    case
        when a.withdrawn_at is not null then 'withdrawn'
        when a.approved_at is null then 'open'
        when exists (
            select from finance.reserve_assignments as n
            where n.seller_id = a.seller_id and n.approved_at > a.approved_at
        ) then 'replaced'
        else 'current'
    end as state,
    a.file_id,
    a.seller_id,
    a.policy,
    a.note,
    a.assigned_by,
    a.assigned_at,
    a.approved_by,
    a.approved_at,
    a.withdrawn_by,
    a.withdrawn_at
from finance.reserve_assignments as a
left join decided as d on a.assignment_id = d.assignment_id
where d.assignment_id is not null or coalesce(a.approved_at, a.withdrawn_at) is null
order by
    d.decided_at desc nulls first,
    case when d.decided_at is null then a.assignment_id end,
    a.assignment_id desc
