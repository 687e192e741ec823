-- An order, a refund and each of their fees come as several rows: a fact is their sum. The currency
-- stands on a settlement's first row alone, with its total.
select
    rows.row_number,
    rows.transaction_type || '/' || rows.amount_type as row_type,
    null as kind,
    concat_ws(
        '|', rows.settlement_id, rows.transaction_type, rows.order_id, rows.adjustment_id,
        rows.order_item_code, rows.sku, rows.amount_type, rows.amount_description,
        rows.posted_date_time, rows.amount
    ) as part_id,
    concat_ws(
        '-',
        rows.settlement_id,
        nullif(rows.order_id, ''),
        coalesce(
            nullif(rows.adjustment_id, ''),
            to_char(rows.posted_date_time at time zone 'UTC', 'YYYYMMDD"T"HH24MISS"Z"')
        ),
        case
            when rows.amount_type not in ('ItemPrice', 'Promotion') then rows.amount_description
        end,
        case when nullif(rows.order_id, '') is null then rows.sku end
    ) as fact_id,
    rows.order_key as order_id,
    null as related_id,
    rows.seller_key,
    first_rows.currency,
    rows.amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.posted_date_time as happened_at,
    case
        when rows.amount_type = 'ItemWithheldTax' then 'tax'
        when rows.amount_description = 'Commission' then 'commission'
        when rows.amount_description = 'RefundCommission' then 'commission_refund'
        when rows.amount_type in ('ItemPrice', 'Promotion') then lower(rows.transaction_type)
        else rows.amount_description
    end as detail
from pg_temp.import_rows as rows
inner join (
    select distinct on (settlement_id, file_number)
        settlement_id,
        file_number,
        currency
    from pg_temp.import_rows
    where total_amount is not null
    order by settlement_id, file_number, row_number
) as first_rows
    on rows.settlement_id = first_rows.settlement_id and rows.file_number = first_rows.file_number
where rows.transaction_type <> ''
