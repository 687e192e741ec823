-- Under which reserve policies people and closes put a seller, the latest first; what waits comes
-- before.
select
    d.assignment_id,
    d.state,
    d.policy,
    d.approved_at as since,
    d.note,
    d.assigned_by,
    d.assigned_at,
    d.approved_by
from finance.reserve_decisions(%(seller)s) as d
order by d.approved_at desc nulls first, d.decision_rank, d.assignment_id desc
limit %(limit)s
