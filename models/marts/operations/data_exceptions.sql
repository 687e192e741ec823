{{ config(materialized='table') }}

with

facts as (

    select * from {{ ref('int_exceptions__facts') }}

),

effects as (

    select * from {{ ref('int_exceptions__effects') }}

),

contradictions as (

    select * from {{ ref('int_close_contradictions') }}

),

final as (

    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        null as payout_window,
        null::numeric(18, 2) as amount,
        known_at
    from facts

    union all

    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        null as payout_window,
        {{ money('amount_minor') }} as amount,
        known_at
    from effects

    union all

    select
        'window_close_rows' as source_table,
        payout_window || '/' || seller_id as source_id,
        seller_id::text as seller_id,
        'contradicted_close' as reason,
        payout_window,
        {{ money('computed_minor - stored_minor') }} as amount,
        null as known_at
    from contradictions

)

select * from final
