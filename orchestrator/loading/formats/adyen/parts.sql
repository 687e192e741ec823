-- An amount without its fees, and the fees. Facts are in the order's currency; what Adyen keeps is in
-- the balance's, and is written there as finely as it takes to come out the same.
with

rows as (

    select
        rows.*,
        coalesce(rows.net_credit, 0) - coalesce(rows.net_debit, 0) as net,
        coalesce(rows.commission, 0) + coalesce(rows.markup, 0) + coalesce(rows.scheme_fees, 0)
        + coalesce(rows.interchange, 0) as fees,
        coalesce(rows.gross_credit, 0) - coalesce(rows.gross_debit, 0) as gross,
        coalesce(nullif(rows.gross_currency, ''), rows.net_currency) as order_currency,
        case
            when nullif(rows.gross_currency, '') <> rows.net_currency then rows.exchange_rate
        end as rate,
        concat_ws(
            '-', rows.batch_number, nullif(rows.modification_reference, ''), rows.type
        ) as row_id
    from pg_temp.import_rows as rows

)

select
    rows.row_number,
    rows.type as row_type,
    null as kind,
    rows.row_id as part_id,
    case
        when rows.type = 'Refunded' then rows.modification_reference
        else rows.modification_reference || '-' || rows.type
    end as fact_id,
    coalesce(rows.order_key, rows.psp_reference) as order_id,
    -- A payment has one dispute, however often it is opened; a refund fails under its own id.
    case
        when rows.type = 'RefundedReversed' then rows.modification_reference
        else rows.psp_reference
    end as related_id,
    rows.seller_key,
    rows.net_currency as currency,
    rows.net + rows.fees as amount,
    rows.order_currency as fact_currency,
    case when rows.gross <> 0 then rows.gross else rows.net + rows.fees end as fact_amount,
    rows.rate as exchange_rate,
    rows.creation_date as happened_at,
    null as detail
from rows

union all

select
    rows.row_number,
    rows.type as row_type,
    'fee' as kind,
    rows.row_id || '-fee' as part_id,
    rows.modification_reference || '-' || rows.type || '-fee' as fact_id,
    coalesce(rows.order_key, rows.psp_reference) as order_id,
    null as related_id,
    rows.seller_key,
    rows.net_currency as currency,
    -rows.fees as amount,
    rows.order_currency as fact_currency,
    case when rows.rate is null then -rows.fees else round(-rows.fees / rows.rate, 18) end
        as fact_amount,
    rows.rate as exchange_rate,
    rows.creation_date as happened_at,
    case when rows.type like '%Chargeback%' then 'dispute' else 'processing' end as detail
from rows
