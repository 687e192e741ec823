-- What the latest build found beside.
select
    source_table,
    reason,
    count(*) as row_count,
    min(source_id) as example
from settlement.data_exceptions
where is_without_effect
group by source_table, reason
order by source_table, reason
