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
        case
            when rows.balance_impact = 'Memo' then 'memo'
            else rows.type || case when rows.gross < 0 then ' debit' else ' credit' end
        end as row_type,
        rows.type,
        rows.transaction_id,
        rows.reference_id,
        coalesce(
            rows.order_key,
            payments.order_key,
            nullif(rows.reference_id, ''),
            rows.transaction_id
        ) as order_id,
        coalesce(rows.seller_key, payments.seller_key) as seller_key,
        rows.currency,
        -- What moves no balance is not part of what the balance moved by.
        case when rows.balance_impact = 'Memo' then 0 else rows.gross end as amount,
        case when rows.balance_impact = 'Memo' then 0 else rows.fee end as fee,
        rows.completed_at
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
    rows.fee as amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.completed_at as happened_at,
    case when rows.type like 'Chargeback%' then 'dispute' else 'processing' end as detail
from rows
