select
    -- ids
    assignment_id,
    seller_id,

    -- text
    policy as reserve_policy,

    -- timestamps
    assigned_at,
    approved_at

from {{ source('finance', 'reserve_assignments') }}
