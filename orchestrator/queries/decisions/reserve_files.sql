-- What waits of each file of assignments, by policy.
select
    a.file_id,
    a.policy,
    count(*) as sellers,
    a.assigned_by,
    a.assigned_at,
    a.note
from finance.reserve_assignments as a
where a.file_id is not null and a.approved_at is null and a.withdrawn_at is null
group by a.file_id, a.policy, a.assigned_by, a.assigned_at, a.note
order by a.file_id, a.policy
