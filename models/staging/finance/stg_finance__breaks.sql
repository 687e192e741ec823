select
    -- ids
    break_id,
    subject,

    -- text
    kind as break_kind,
    detail,

    -- timestamps
    opened_at,
    closed_at

from {{ source('finance', 'breaks') }}
