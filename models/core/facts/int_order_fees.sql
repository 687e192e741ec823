{#- Stored: four models read it, and each would join the fees to their orders again. Unlogged:
    nothing reads it after the build that wrote it. -#}
{{ config(materialized='table', unlogged=true) }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

fee_types as (

    select * from {{ ref('fee_types') }}
    where is_tax

),

late as {{ computed_once() }} (

    {{ late_facts('order_fees') }}

),

paired as (

    select
        facts.*,
        orders.decimals,
        orders.cents_per_unit,
        orders.release_at,
        {{ is_before_go_live(
            'greatest(facts.known_at, orders.first_known_at, orders.release_at)'
        ) }} as is_settled_elsewhere,
        greatest(facts.known_at, orders.known_at) as paired_known_at
    from {{ facts_of_orders(ref('stg_marketplace__order_fees')) }}

),

effective as (

    select
        paired.*,
        {{ posted_at('greatest(paired.known_at, paired.release_at)') }} as posted_at
    from paired
    left join late on paired.seller_id = late.seller_id and paired.fee_id = late.source_id
    where
        {{ opaque_to_planner(
            defect_of('paired', fee_defect('paired.amount', 'paired.cents_per_unit')) ~ ' is null'
        ) }}

),

final as (

    select
        effective.seller_id,
        effective.fee_id,
        effective.order_id,
        effective.fee_type,
        fee_types.fee_type is not null as is_tax,
        {{ is_finer_than('effective.amount', 'effective.decimals') }} as is_rounded,
        {{ settled('effective.amount', 'effective.cents_per_unit') }} as amount_minor,
        effective.charged_at,
        greatest(effective.posted_at, effective.paired_known_at) as known_at,
        effective.posted_at,
        effective.release_at,
        effective.is_settled_elsewhere
    from effective
    left join fee_types on effective.fee_type = fee_types.fee_type
    where greatest(effective.posted_at, effective.paired_known_at) <= {{ as_of() }}

)

select * from final
