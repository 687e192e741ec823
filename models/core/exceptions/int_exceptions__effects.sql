{#- Kept over the builds: a build looks at the orders that were touched, and renews theirs. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        indexes=[{'columns': ['seller_id', 'order_id']}],
        pre_hook="{% if is_incremental() %}delete from {{ this }} as listed {% if is_scoped() %}using {{ ref('int_orders') }} as orders where listed.seller_id = orders.seller_id and listed.order_id = orders.order_id{% endif %}{% endif %}",
    )
}}

-- depends_on: {{ ref('int_orders') }}

-- One row per fact of an order whose effect is another than it says, with the amount at stake.

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
