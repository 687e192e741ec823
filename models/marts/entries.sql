with

build as (

    select * from {{ ref('int_build') }}

),

stored as (

    select * from {{ source('finance', 'window_close_entries') }}
    where {{ var('use_stored_closes') }}

),

computed as (

    select entries.* from {{ ref('int_entries') }} as entries
    cross join build
    where entries.available_at >= build.stored_until

),

final as (

    select
        entry_type,
        source_id,
        order_id,
        seller_id,
        amount_minor,
        occurred_at,
        known_at,
        available_at
    from stored

    union all

    select
        entry_type,
        source_id,
        order_id,
        seller_id,
        amount_minor,
        occurred_at,
        known_at,
        available_at
    from computed

)

select * from final
