select
    -- ids
    source_id,
    order_id,
    seller_id,

    -- text
    payout_window,
    source_table,

    -- timestamps
    posted_at

from {{ source('finance', 'window_close_facts') }}
