select
    -- ids
    policy_id,

    -- text
    name as policy_name,
    rail,

    -- amounts
    amount_minor,

    -- timestamps
    confirmed_at,
    withdrawn_at

from {{ source('finance', 'policies') }}
