with

source as (

    select * from {{ source('finance', 'hold_reasons') }}

),

final as (

    select
        -- ids
        reason as hold_reason,

        -- text
        seller_message,

        -- numbers
        hold_rank,

        -- booleans
        is_live,
        is_releasable,
        is_lasting

    from source

)

select * from final
