select
    -- text
    wallet_address,
    address_format,
    detail,

    -- booleans
    is_valid,

    -- timestamps
    checked_at

from {{ source('finance', 'wallet_checks') }}
