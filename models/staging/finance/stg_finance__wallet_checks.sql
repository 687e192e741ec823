select
    -- text
    wallet_address,
    account,
    address_format,
    detail,

    -- booleans
    is_valid,
    is_payable,
    is_checksummed,

    -- timestamps
    checked_at

from {{ source('finance', 'wallet_checks') }}
