select
    -- ids
    source_id,
    order_id,
    seller_id,

    -- text
    payout_window,
    entry_type,

    -- amounts
    amount_minor,

    -- timestamps
    occurred_at,
    known_at,
    available_at

from {{ source('finance', 'window_close_entries') }}
