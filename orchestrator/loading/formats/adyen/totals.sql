-- What a batch paid out and carried over is what the rest of it comes to.
select
    rows.file_number,
    'batch ' || rows.batch_number || ' in ' || rows.net_currency || ', paid out and carried over'
        as what,
    -coalesce(sum(parts.amount) filter (where rows.is_closing), 0) as expected,
    sum(parts.amount) filter (where not rows.is_closing) as found
from (
    select
        *,
        type in ('MerchantPayout', 'Balancetransfer') as is_closing
    from pg_temp.import_rows
) as rows
inner join pg_temp.import_parts as parts on rows.row_number = parts.row_number
group by rows.file_number, rows.batch_number, rows.net_currency
