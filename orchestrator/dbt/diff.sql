-- How two builds of one mart differ: a count, the sums of its numbers before and after, and the rows
-- that moved most. The names are filled in by orchestrator/dbt/diff.py.
with differing as materialized (
    select
        {keys},
        {key_text} as key_text,
        {is_before} as is_before,
        {is_after} as is_after,
        {changes} as changes,
        {distance} as distance
    from {before} as b
    full join {after} as a using ({keys})
    where row({before_columns}) is distinct from row({after_columns})
),

top as (
    select
        d.key_text,
        case when not d.is_before then 'new' when not d.is_after then 'gone' else d.changes end
            as changes
    from differing as d
    order by d.distance desc nulls last, d.key_text
    limit 20
)

select
    (select count(*) from {before}) as rows_before,
    (select count(*) from {after}) as rows_after,
    (select count(*) from differing) as rows_differing,
    -- A mart may be a view, which each of these computes: where no row differs, no sum does.
    case when exists (select from differing) then (select {sums_before} from {before} as b) end
        as sums_before,
    case when exists (select from differing) then (select {sums_after} from {after} as a) end
        as sums_after,
    array(select t.key_text || ': ' || t.changes from top as t) as top_rows
