-- The report has no ids: a row is known by its order, type and instant.
with

rows as (

    select
        rows.*,
        rows.currency as row_currency,
        case when rows.payout_status = 'pending' then 'pending ' else '' end || rows.type as row_type,
        concat_ws(
            '-',
            nullif(rows.order_name, ''),
            rows.type,
            to_char(rows.transaction_date at time zone 'UTC', 'YYYYMMDD"T"HH24MISS"Z"')
        ) as fact_id
    from pg_temp.import_rows as rows

)

select
    rows.row_number,
    rows.row_type,
    null as kind,
    concat_ws('-', rows.fact_id, rows.amount) as part_id,
    rows.fact_id,
    rows.order_key as order_id,
    rows.order_key as related_id,
    rows.seller_key,
    rows.row_currency as currency,
    rows.amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.transaction_date as happened_at,
    case when rows.type like 'chargeback_fee%' then 'dispute' end as detail
from rows

union all

select
    rows.row_number,
    rows.row_type,
    'fee' as kind,
    concat_ws('-', rows.fact_id, rows.amount, 'fee') as part_id,
    rows.fact_id || '-fee' as fact_id,
    rows.order_key as order_id,
    null as related_id,
    rows.seller_key,
    rows.row_currency as currency,
    -rows.fee as amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.transaction_date as happened_at,
    case when rows.type in ('charge', 'refund') then 'processing' else 'dispute' end as detail
from rows
