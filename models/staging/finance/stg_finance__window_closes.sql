select
    -- text
    payout_window,
    currency,
    settlement_timezone,
    currencies_digest,

    -- numbers
    landed_before,
    landed_in,

    -- amounts
    absorbed_disputes_minor,

    -- timestamps
    window_starts_at,
    window_ends_at,
    payout_due_at,
    closed_at

from {{ source('finance', 'window_closes') }}
