-- An order is the sum of what the report has of it.
insert into pg_temp.load_orders_staged (
    line_number, order_id, checkout_id, seller_id, currency, gross_amount, exchange_rate, ordered_at
)
select
    min(row_number),
    order_id,
    order_id,
    seller_id,
    fact_currency,
    trim_scale(sum(fact_amount)),
    case when fact_currency <> {settlement_currency} then exchange_rate end,
    to_char(min(happened_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from pg_temp.import_parts
where kind = 'order' and not is_repeated
group by seller_id, order_id, fact_currency, exchange_rate
