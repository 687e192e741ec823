with

source as (

    select * from {{ source('finance', 'breaks') }}

),

-- Open at the instant this schema shows.
standing as (

    select
        -- ids
        break_id,
        subject,

        -- text
        kind as break_kind,
        detail,

        -- timestamps
        opened_at

    from source
    where
        opened_at <= {{ status_as_of() }}
        and (closed_at is null or closed_at > {{ status_as_of() }})

)

select * from standing
