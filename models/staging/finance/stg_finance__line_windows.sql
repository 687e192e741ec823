select
    -- ids
    line_id,
    seller_id,

    -- text
    payout_window as entry_window,

    -- amounts
    entries_minor,
    retaken_minor

from {{ source('finance', 'line_windows') }}
