select
    -- ids
    flag_assignment_id,
    seller_id,

    -- text
    payout_window,
    policy as reserve_policy,
    review_reasons,

    -- timestamps
    applies_from

from {{ source('finance', 'flag_assignments') }}
