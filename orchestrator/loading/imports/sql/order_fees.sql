insert into pg_temp.load_order_fees_staged (
    line_number, fee_id, order_id, seller_id, fee_type, amount, charged_at
)
select
    min(row_number),
    fact_id,
    order_id,
    seller_id,
    detail,
    trim_scale(-sum(fact_amount)),
    to_char(min(happened_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from pg_temp.import_parts
where kind in ('fee', 'tax') and not is_repeated
group by seller_id, order_id, fact_id, detail
