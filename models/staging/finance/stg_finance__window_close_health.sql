select
    -- ids
    seller_id,

    -- text
    payout_window,
    review_reasons,

    -- amounts
    trailing_30d_gross,
    trailing_30d_fees,
    trailing_30d_disputes,

    -- numbers
    health_score,
    dispute_rate,
    refund_rate,
    spike_ratio,

    -- booleans
    needs_review,

    -- timestamps
    first_ordered_at

from {{ source('finance', 'window_close_health') }}
