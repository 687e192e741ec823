select
    -- ids
    batch_id,

    -- text
    payout_window,
    currency,
    state as batch_state,

    -- numbers
    run,
    attempt,
    line_count,

    -- amounts
    total_minor,

    -- timestamps
    frozen_at,
    answered_at

from {{ source('finance', 'payout_batches') }}
