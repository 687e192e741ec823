select
    -- ids
    adjustment_id,
    seller_id,

    -- text
    reason,

    -- amounts
    amount_minor,

    -- timestamps
    entered_at,
    approved_at,
    withdrawn_at

from {{ source('finance', 'adjustments') }}
