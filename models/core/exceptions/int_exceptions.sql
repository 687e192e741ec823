{{ config(materialized='table') }}

with

final as (

    -- In the fact's own currency: without an effect it has no other.
    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        case when abs(amount) < 10000000000000 then round(amount, 2)::numeric(18, 2) end as amount,
        true as is_without_effect,
        known_at
    from {{ ref('int_exceptions__facts') }}

    union all

    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        {{ money('amount_minor') }} as amount,
        is_without_effect,
        known_at
    from {{ ref('int_exceptions__effects') }}

    union all

    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        {{ money('amount_minor') }} as amount,
        amount_minor = 0 as is_without_effect,
        known_at
    from {{ ref('int_exceptions__posted') }}

)

select * from final
