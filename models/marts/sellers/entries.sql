with

closes as (

    select coalesce(max(window_ends_at), '-infinity') as stored_until
    from {{ ref('int_window_closes__as_of') }}

),

stored as (

    select * from {{ ref('stg_finance__window_close_entries') }}
    where {{ var('use_stored_closes') }}

),

-- The closes as they are now, not at the build: a window that was closed since is stored.
computed as (

    select entries.* from {{ ref('int_entries') }} as entries
    cross join closes
    where entries.available_at >= closes.stored_until

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
