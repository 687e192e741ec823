with

source as (

    select * from {{ source('finance', 'adjustments') }}

),

approved as (

    select
        -- ids
        adjustment_id,
        seller_id,

        -- amounts
        amount_minor,

        -- timestamps
        entered_at,
        approved_at

    from source
    where approved_at <= {{ as_of() }}

)

select * from approved
