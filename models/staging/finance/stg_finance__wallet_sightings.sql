select
    -- ids
    sighting_id,
    seller_id,

    -- text
    wallet_address,
    account,

    -- timestamps
    seen_at

from {{ source('finance', 'wallet_sightings') }}
