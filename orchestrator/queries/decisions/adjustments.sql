-- Adjustments: those that wait for another person, oldest first, then the 20 decided last.
with decided as (
    select
        a.adjustment_id,
        coalesce(a.approved_at, a.withdrawn_at) as decided_at
    from finance.adjustments as a
    where coalesce(a.approved_at, a.withdrawn_at) is not null
    order by 2 desc, 1 desc
    limit 20
)

select
    a.adjustment_id,
    case
        when a.approved_at is not null then 'approved'
        when a.withdrawn_at is not null then 'withdrawn'
        else 'open'
    end as state,
    a.file_id,
    a.seller_id,
    a.adjustment_type as type,
    finance.money(a.amount_minor) as amount,
    a.reason,
    a.entered_by,
    a.entered_at,
    a.approved_by,
    a.approved_at,
    a.withdrawn_by,
    a.withdrawn_at
from finance.adjustments as a
left join decided as d on a.adjustment_id = d.adjustment_id
where d.adjustment_id is not null or coalesce(a.approved_at, a.withdrawn_at) is null
order by
    d.decided_at desc nulls first,
    case when d.decided_at is null then a.adjustment_id end,
    a.adjustment_id desc
