-- What happens to a payment names it by its transaction; its order is the one of that payment.
with

payments as (

    select distinct on (transaction_id)
        transaction_id,
        order_key,
        seller_key
    from pg_temp.import_rows
    order by transaction_id, row_number

),

rows as (

    select
        rows.row_number,
        rows.event_code || ' ' || rows.side as row_type,
        rows.transaction_id,
        rows.reference_id,
        coalesce(
            rows.order_key,
            payments.order_key,
            case when rows.event_code like 'T00%' then rows.transaction_id end,
            nullif(rows.reference_id, '')
        ) as order_id,
        coalesce(rows.seller_key, payments.seller_key) as seller_key,
        rows.gross_currency as currency,
        case rows.side when 'DR' then -rows.gross else rows.gross end as amount,
        case rows.fee_side when 'DR' then -rows.fee else rows.fee end as fee,
        rows.completed_at,
        rows.event_code
    from pg_temp.import_rows as rows
    left join payments on rows.reference_id = payments.transaction_id

)

select
    rows.row_number,
    rows.row_type,
    null as kind,
    rows.transaction_id as part_id,
    rows.transaction_id as fact_id,
    rows.order_id,
    rows.reference_id as related_id,
    rows.seller_key,
    rows.currency,
    rows.amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.completed_at as happened_at,
    null as detail
from rows

union all

select
    rows.row_number,
    rows.row_type,
    'fee' as kind,
    rows.transaction_id || '-fee' as part_id,
    rows.transaction_id || '-fee' as fact_id,
    rows.order_id,
    null as related_id,
    rows.seller_key,
    rows.currency,
    coalesce(rows.fee, 0) as amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.completed_at as happened_at,
    case when rows.event_code like 'T12%' then 'dispute' else 'processing' end as detail
from rows
