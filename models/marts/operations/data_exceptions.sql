{{ config(materialized='table') }}

with

contradictions as (

    select * from {{ ref('int_close_contradictions') }}

),

final as (

    -- In the fact's own currency: without an effect it has no other.
    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        null as payout_window,
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
        null as payout_window,
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
        null as payout_window,
        {{ money('amount_minor') }} as amount,
        amount_minor = 0 as is_without_effect,
        known_at
    from {{ ref('int_exceptions__posted') }}

    union all

    select
        'window_close_rows' as source_table,
        payout_window || '/' || seller_id as source_id,
        seller_id::text as seller_id,
        'contradicted_close' as reason,
        payout_window,
        {{ money('computed_minor - stored_minor') }} as amount,
        false as is_without_effect,
        null as known_at
    from contradictions

)

select * from final
