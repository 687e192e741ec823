with

source as (

    select * from {{ source('finance', 'window_closes') }}

),

stored as (

    select
        payout_window,
        currency,
        settlement_timezone,
        window_starts_at,
        window_ends_at,
        payout_due_at,
        closed_at

    from source
    where {{ var('use_stored_closes') }} and window_ends_at <= {{ as_of() }}

)

select * from stored
