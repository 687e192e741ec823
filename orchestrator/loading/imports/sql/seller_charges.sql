insert into pg_temp.load_seller_charges_staged (
    line_number, charge_id, seller_id, charge_type, amount, charged_at, note
)
select
    min(row_number),
    fact_id,
    seller_id,
    detail,
    trim_scale(-sum(fact_amount)),
    to_char(min(happened_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    min(row_type)
from pg_temp.import_parts
where kind = 'charge' and not is_repeated
group by seller_id, fact_id, detail
