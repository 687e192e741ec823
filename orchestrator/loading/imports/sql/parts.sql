-- What a format makes of its rows. What moves nothing is left out.
insert into pg_temp.import_parts (
    row_number, row_type, kind, part_id, fact_id, order_id, related_id, seller_key, currency,
    amount, fact_currency, fact_amount, exchange_rate, happened_at, detail
)
select
    row_number, row_type, kind, part_id, fact_id, order_id, related_id, seller_key,
    upper(currency), amount, upper(coalesce(fact_currency, currency)),
    trim_scale(coalesce(fact_amount, amount)), exchange_rate, happened_at, detail
from ({parts}) as parts
where amount <> 0 or fact_amount <> 0;
analyze pg_temp.import_parts
