{#- A table where distributed: what is decided on the coordinator reads it again and again. -#}
{{ config(materialized='table' if var('distributed') else 'view') }}

with

sellers as (

    select * from {{ ref('int_sellers') }}

),

region_rails as (

    select * from {{ ref('region_rails') }}

),

rails as (

    select * from {{ ref('rails') }}

),

final as (

    select
        sellers.seller_id,
        sellers.display_name,
        sellers.region,
        sellers.seller_status,
        sellers.is_payouts_enabled as payouts_enabled,
        sellers.wallet_address,
        sellers.payout_schedule,
        sellers.payout_minimum,
        rails.rail,
        rails.currency_code as rail_currency
    from sellers
    left join region_rails on sellers.region = region_rails.region
    left join rails
        on rails.rail = {{ rail_of('sellers', 'region_rails') }}

)

select * from final
