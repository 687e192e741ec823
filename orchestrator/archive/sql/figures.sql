-- How many rows, what they sum to in minor units by currency, and when the latest was written.
select
    t.archive_currency as currency,
    count(*) as row_count,
    array[{sums}]::text[] as sums,
    max({recorded}) as recorded_at
from (
    select t.*, coalesce({currency}, '') as archive_currency
    from {relation} as t
    {join}
    where {scope}
) as t
group by t.archive_currency
order by t.archive_currency
