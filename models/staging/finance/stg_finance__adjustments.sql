select
    -- ids
    adjustment_id,
    seller_id,

    -- text
    adjustment_type,
    reason,

    -- amounts
    amount_minor,

    -- timestamps
    entered_at,
    approved_at,
    withdrawn_at

from {{ source('finance', 'adjustments') }}
