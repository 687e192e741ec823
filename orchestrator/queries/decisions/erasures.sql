-- Erasures: those that wait for another person, then those done, then those withdrawn.
select
    e.seller_id,
    case
        when e.approved_at is not null then 'erased'
        when e.withdrawn_at is not null then 'withdrawn'
        else 'open'
    end as state,
    e.pseudonym,
    e.note,
    e.proposed_by,
    e.proposed_at,
    coalesce(e.approved_by, e.withdrawn_by) as decided_by,
    coalesce(e.approved_at, e.withdrawn_at) as decided_at
from finance.erasures as e
order by
    e.approved_at is not null or e.withdrawn_at is not null,
    e.withdrawn_at is not null,
    e.erasure_id desc
