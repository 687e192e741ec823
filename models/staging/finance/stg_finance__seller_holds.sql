select
    -- ids
    hold_id,
    seller_id,

    -- text
    note,

    -- timestamps
    held_at,
    lifted_at

from {{ source('finance', 'seller_holds') }}
