{#- A table where distributed: what comes from the coordinator goes to the workers once. -#}
{{ config(materialized='table' if var('distributed') else 'view') }}

-- One row per charge, adjustment and opening balance with what it does to the balance: what a
-- seller owes or is owed without an order.

with

charges as (

    select * from {{ ref('int_charges') }}

),

adjustments as (

    select * from {{ ref('int_adjustments__as_of') }}

),

opening_balances as (

    select * from {{ ref('int_opening_balances__as_of') }}

),

final as (

    select
        'charge' as entry_type,
        coalesce(charge_type, '') as entry_detail,
        charge_id as source_id,
        null as order_id,
        seller_id,
        -amount_minor as amount_minor,
        charged_at as occurred_at,
        known_at,
        posted_at,
        known_at as release_at,
        is_settled_elsewhere
    from charges

    union all

    select
        'adjustment' as entry_type,
        adjustment_type as entry_detail,
        adjustment_id::text as source_id,
        null as order_id,
        seller_id,
        amount_minor,
        entered_at as occurred_at,
        approved_at as known_at,
        null as posted_at,
        approved_at as release_at,
        {{ is_before_go_live('approved_at') }} as is_settled_elsewhere
    from adjustments

    union all

    select
        'opening_balance' as entry_type,
        '' as entry_detail,
        go_live_id::text as source_id,
        null as order_id,
        seller_id,
        amount_minor,
        starts_at as occurred_at,
        starts_at as known_at,
        null as posted_at,
        starts_at as release_at,
        false as is_settled_elsewhere
    from opening_balances

)

select * from final
