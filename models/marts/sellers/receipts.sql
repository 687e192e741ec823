with

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

items as (

    select
        items.*,
        lines.payout_window,
        lines.returned_at is null as is_standing
    from {{ ref('stg_finance__receipt_items') }} as items
    inner join lines on items.seller_id = lines.seller_id and items.line_id = lines.line_id

),

final as (

    select
        line_id,
        payout_window,
        seller_id::text as seller_id,
        is_standing,
        entry_window,
        entry_window <> payout_window as is_carried_in,
        entry_type,
        source_id::text as source_id,
        order_id::text as order_id,
        {{ money('amount_minor') }} as amount,
        occurred_at,
        known_at
    from items

)

select * from final
