with

source as (

    select * from {{ source('marketplace', 'sellers') }}

),

renamed as (

    select
        -- ids
        seller_id collate "C" as seller_id,

        -- text
        display_name,
        region,
        btrim(wallet_address) collate "C" as wallet_address,
        status as seller_status,

        -- booleans
        fast_settlement as is_fast_settlement,
        payouts_enabled as is_payouts_enabled,

        -- timestamps
        created_at,
        updated_at

    from source

)

select * from renamed
