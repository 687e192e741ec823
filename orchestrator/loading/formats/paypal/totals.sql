-- Each section's footer has, by currency, what was credited and debited, and in fees.
select
    coalesce(said.file_number, found.file_number) as file_number,
    coalesce(said.what, found.what) || ' in ' || coalesce(said.currency, found.currency) as what,
    coalesce(said.amount, 0) as expected,
    found.amount as found
from (
    select
        totals.file_number,
        totals.currency,
        each.what,
        sum(each.amount) as amount
    from pg_temp.import_totals_rows as totals
    cross join lateral (
        values
        ('credits', totals.credits),
        ('debits', totals.debits),
        ('fees credited', totals.fee_credits),
        ('fees debited', totals.fee_debits)
    ) as each (what, amount)
    group by totals.file_number, totals.currency, each.what
) as said
full join (
    select
        rows.file_number,
        parts.currency,
        case when parts.part_id like '%-fee' then 'fees ' else '' end
        || case when parts.amount < 0 then 'debit' else 'credit' end
        || case when parts.part_id like '%-fee' then 'ed' else 's' end as what,
        sum(abs(parts.amount)) as amount
    from pg_temp.import_rows as rows
    inner join pg_temp.import_parts as parts on rows.row_number = parts.row_number
    group by rows.file_number, parts.currency, what
) as found
    on
        said.file_number = found.file_number
        and said.currency = found.currency
        and said.what = found.what
