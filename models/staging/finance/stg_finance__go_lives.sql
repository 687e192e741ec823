select
    -- ids
    go_live_id,

    -- text
    payout_window,

    -- timestamps
    starts_at,
    approved_at,
    withdrawn_at

from {{ source('finance', 'go_lives') }}
