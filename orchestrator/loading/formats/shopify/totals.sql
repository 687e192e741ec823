-- By payout, what its charges, its refunds and the whole come to.
select
    null::bigint as file_number,
    'payout of ' || coalesce(said.payout_date, found.payout_date) || ' in '
    || coalesce(said.currency, found.currency) || ', ' || coalesce(said.what, found.what) as what,
    coalesce(said.amount, 0) as expected,
    found.amount as found
from (
    select
        totals.payout_date,
        totals.currency,
        each.what,
        sum(each.amount) as amount
    from pg_temp.import_totals_rows as totals
    cross join lateral (
        values
        ('charges', totals.charges),
        ('refunds', totals.refunds),
        ('total', totals.total)
    ) as each (what, amount)
    group by totals.payout_date, totals.currency, each.what
) as said
full join (
    select
        rows.payout_date,
        rows.currency,
        each.what,
        sum(each.amount) as amount
    from pg_temp.import_rows as rows
    inner join pg_temp.import_parts as parts on rows.row_number = parts.row_number
    cross join lateral (
        values
        ('charges', case when rows.type = 'charge' and parts.part_id !~ '-fee' then parts.amount end),
        ('refunds', case when rows.type = 'refund' and parts.part_id !~ '-fee' then parts.amount end),
        ('total', parts.amount)
    ) as each (what, amount)
    where rows.payout_status <> 'pending' and not parts.is_repeated
    group by rows.payout_date, rows.currency, each.what
) as found
    on
        said.payout_date = found.payout_date
        and said.currency = found.currency
        and said.what = found.what

union all

select
    rows.file_number,
    'column Net in ' || rows.currency as what,
    sum(rows.net) as expected,
    sum(parts.amount) as found
from pg_temp.import_rows as rows
left join (
    select row_number, sum(amount) as amount from pg_temp.import_parts group by row_number
) as parts
    on rows.row_number = parts.row_number
group by rows.file_number, rows.currency
