-- A refund is named by its own id, as its failure names it; everything else by its transaction.
select
    rows.row_number,
    rows.reporting_category as row_type,
    null as kind,
    rows.balance_transaction_id as part_id,
    case
        when rows.reporting_category = 'refund' then coalesce(rows.source_id, rows.balance_transaction_id)
        else rows.balance_transaction_id
    end as fact_id,
    rows.order_key as order_id,
    rows.source_id as related_id,
    rows.seller_key,
    rows.currency,
    rows.gross as amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.created_utc as happened_at,
    case when rows.reporting_category like 'transfer%' then 'transfer' end as detail
from pg_temp.import_rows as rows

union all

select
    rows.row_number,
    rows.reporting_category as row_type,
    'fee' as kind,
    rows.balance_transaction_id || '-fee' as part_id,
    rows.balance_transaction_id || '-fee' as fact_id,
    rows.order_key as order_id,
    null as related_id,
    rows.seller_key,
    rows.currency,
    -rows.fee as amount,
    null as fact_currency,
    null::numeric as fact_amount,
    null::numeric as exchange_rate,
    rows.created_utc as happened_at,
    case when rows.reporting_category like 'dispute%' then 'dispute' else 'processing' end as detail
from pg_temp.import_rows as rows
