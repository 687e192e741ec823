-- Under which reserve policies a seller was put, the latest first; what waits comes before.
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
    a.policy,
    a.approved_at as since,
    a.note,
    a.assigned_by,
    a.assigned_at,
    a.approved_by
from finance.reserve_assignments as a
where a.seller_id = %(seller)s
order by a.approved_at desc nulls first, a.assignment_id desc
limit %(limit)s
