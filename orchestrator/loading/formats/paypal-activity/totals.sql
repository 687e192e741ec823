-- By currency, how far the running balance went from before the first row to behind the last one;
-- the latest is first in some files. And each file's own column Net.
with

moving as (

    select
        rows.file_number,
        rows.row_number,
        upper(rows.currency) as currency,
        rows.net,
        rows.balance,
        rows.completed_at
    from pg_temp.import_rows as rows
    where rows.balance_impact is distinct from 'Memo'

),

ends as (

    select
        moving.file_number,
        moving.currency,
        (array_agg(moving.completed_at order by moving.row_number))[1]
        > (array_agg(moving.completed_at order by moving.row_number desc))[1] as is_latest_first,
        array_agg(moving.balance order by moving.row_number) as balances,
        array_agg(moving.net order by moving.row_number) as nets,
        count(*) as row_count
    from moving
    group by moving.file_number, moving.currency

)

select
    ends.file_number,
    'balance in ' || ends.currency || ', from its first row to its last' as what,
    case
        when ends.is_latest_first
            then ends.balances[1] - ends.balances[ends.row_count] + ends.nets[ends.row_count]
        else ends.balances[ends.row_count] - ends.balances[1] + ends.nets[1]
    end as expected,
    found.amount as found
from ends
left join (
    select
        rows.file_number,
        parts.currency,
        sum(parts.amount) as amount
    from pg_temp.import_rows as rows
    inner join pg_temp.import_parts as parts on rows.row_number = parts.row_number
    group by rows.file_number, parts.currency
) as found
    on ends.file_number = found.file_number and ends.currency = found.currency

union all

select
    moving.file_number,
    'column Net in ' || moving.currency as what,
    sum(moving.net) as expected,
    sum(parts.amount) as found
from moving
left join (
    select row_number, sum(amount) as amount from pg_temp.import_parts group by row_number
) as parts
    on moving.row_number = parts.row_number
group by moving.file_number, moving.currency
