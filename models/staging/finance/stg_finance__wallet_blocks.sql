select
    -- ids
    block_id,

    -- text
    wallet_address,
    account,
    note,

    -- timestamps
    blocked_at,
    lifted_at

from {{ source('finance', 'wallet_blocks') }}
