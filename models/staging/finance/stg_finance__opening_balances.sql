select
    -- ids
    go_live_id,
    seller_id,

    -- amounts
    amount_minor

from {{ source('finance', 'opening_balances') }}
