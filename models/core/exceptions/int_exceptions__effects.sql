{#- Kept over the builds: a build renews the rows of the orders and charges that it looks at. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        indexes=[{'columns': ['seller_id', 'order_id']}],
        pre_hook=[
            "{% if is_incremental() %}delete from {{ this }} as listed {% if is_scoped() %}using {{ ref('int_orders') }} as orders where listed.seller_id = orders.seller_id and listed.order_id = orders.order_id{% endif %}{% endif %}",
            "{% if is_incremental() %}delete from {{ this }} as listed {% if is_scoped() %}using {{ ref('int_charges') }} as charges where listed.source_table = 'seller_charges' and listed.seller_id = charges.seller_id and listed.source_id = charges.charge_id{% endif %}{% endif %}",
        ],
    )
}}

-- depends_on: {{ ref('int_orders') }}

-- One row per fact whose effect is another than it says, with the amount at stake.

with

claims as (

    select
        claims.seller_id,
        claims.order_id,
        claims.claim_id as source_id,
        'claim_above_gross' as reason,
        claims.cut_off_minor as amount_minor,
        claims.effective_minor = 0 as is_without_effect,
        claims.known_at,
        {{ source_table_of('claims.claim_type') }} as source_table
    from {{ ref('int_claims') }} as claims
    where claims.cut_off_minor <> 0

),

charges as (

    select
        seller_id,
        null::text as order_id,
        charge_id as source_id,
        'rounded' as reason,
        amount_minor,
        false as is_without_effect,
        known_at,
        'seller_charges' as source_table
    from {{ ref('int_charges') }}
    where is_rounded

),

found as (

    select
        *,
        'order_fees' as source_table
    from {{ ref('int_exceptions__fees') }}

    union all

    select
        *,
        'refunds' as source_table
    from {{ ref('int_exceptions__refunds') }}

    union all

    select
        *,
        'dispute_events' as source_table
    from {{ ref('int_exceptions__disputes') }}

    union all

    select * from claims

    union all

    select * from charges

),

final as (

    select
        source_table,
        source_id,
        order_id,
        seller_id,
        reason,
        amount_minor,
        is_without_effect,
        known_at
    from found

)

select * from final
