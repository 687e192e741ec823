select
    -- ids
    line_id,
    seller_id,
    source_id,
    order_id,

    -- text
    entry_window,
    entry_type,

    -- amounts
    amount_minor,

    -- timestamps
    occurred_at,
    known_at

from {{ source('finance', 'receipt_items') }}
