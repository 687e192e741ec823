with

final as (

    select
        source_table,
        source_id,
        seller_id,
        reason,
        null as payout_window,
        amount,
        is_without_effect,
        known_at
    from {{ ref('int_exceptions') }}

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
    from {{ ref('int_close_contradictions') }}

)

select * from final
