-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
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

from {{ source('marketplace', 'sellers') }}
