-- A settlement's first row has what all its others come to.
select
    rows.file_number,
    'settlement ' || rows.settlement_id as what,
    coalesce(sum(rows.total_amount), 0) as expected,
    sum(parts.amount) as found
from pg_temp.import_rows as rows
left join (
    select row_number, sum(amount) as amount from pg_temp.import_parts group by row_number
) as parts
    on rows.row_number = parts.row_number
group by rows.file_number, rows.settlement_id
