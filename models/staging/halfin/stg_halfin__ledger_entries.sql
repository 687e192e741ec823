with

source as (

    select * from {{ source('halfin', 'ledger_entries') }}

),

-- What the rail had told by the instant this schema shows.
told as (

    select
        -- ids
        currency as rail_currency,
        ledger_entry_id,
        payout_id,

        -- text
        entry_type,

        -- amounts
        amount,

        -- timestamps
        created_at,
        recorded_at

    from source
    where recorded_at <= {{ status_as_of() }}

)

select * from told
