-- What waits of each file of adjustments, by type.
select
    a.file_id,
    a.adjustment_type as type,
    count(*) as rows,
    finance.money(coalesce(sum(a.amount_minor) filter (where a.amount_minor > 0), 0)) as added,
    finance.money(coalesce(-sum(a.amount_minor) filter (where a.amount_minor < 0), 0)) as taken,
    a.entered_by,
    a.entered_at
from finance.adjustments as a
where a.file_id is not null and a.approved_at is null and a.withdrawn_at is null
group by a.file_id, a.adjustment_type, a.entered_by, a.entered_at
order by a.file_id, a.adjustment_type
