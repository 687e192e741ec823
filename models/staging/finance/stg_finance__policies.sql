with

source as (

    select * from {{ source('finance', 'policies') }}

),

-- Confirmed by the instant this schema shows; the newest of a name and rail holds.
standing as (

    select distinct on (name, rail)
        -- ids
        policy_id,

        -- text
        name as policy_name,
        rail,

        -- amounts
        amount_minor,

        -- timestamps
        confirmed_at

    from source
    where confirmed_at <= {{ as_of() }}
    order by name asc, rail asc, confirmed_at desc, policy_id desc

)

select * from standing
