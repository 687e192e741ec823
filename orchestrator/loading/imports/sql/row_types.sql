-- What became of the rows, by type.
select
    row_number / {lines_per_file} as file_number,
    row_type,
    coalesce(case
        when kind = 'order' then 'orders'
        when kind in ('fee', 'tax') then 'order_fees'
        when kind like 'refund%' then 'refunds'
        when kind like 'dispute%' then 'dispute_events'
        when kind = 'charge' then 'seller_charges'
    end, 'not for sellers') as becomes,
    reason,
    currency,
    count(*) as part_count,
    sum(amount)::text as amount
from pg_temp.import_parts
group by row_type, becomes, reason, currency, file_number
order by file_number, becomes, row_type, currency
