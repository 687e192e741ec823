-- By category, what the summary says is net; and in each file its own column net.
select
    null::bigint as file_number,
    coalesce(said.reporting_category, found.row_type) || ' in '
    || coalesce(said.currency, found.currency) || ', net' as what,
    coalesce(said.net, 0) as expected,
    found.amount as found
from (
    select
        totals.reporting_category,
        upper(totals.currency) as currency,
        sum(totals.net) as net
    from pg_temp.import_totals_rows as totals
    where totals.reporting_category <> 'total'
    group by totals.reporting_category, upper(totals.currency)
) as said
full join (
    select
        parts.row_type,
        parts.currency,
        sum(parts.amount) as amount
    from pg_temp.import_parts as parts
    where not parts.is_repeated
    group by parts.row_type, parts.currency
) as found
    on said.reporting_category = found.row_type and said.currency = found.currency

union all

select
    rows.file_number,
    'column net in ' || upper(rows.currency) as what,
    sum(rows.net) as expected,
    sum(parts.amount) as found
from pg_temp.import_rows as rows
left join (
    select row_number, sum(amount) as amount from pg_temp.import_parts group by row_number
) as parts
    on rows.row_number = parts.row_number
group by rows.file_number, upper(rows.currency)
