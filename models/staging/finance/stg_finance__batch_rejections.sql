select
    -- ids
    batch_id,

    -- text
    declared_by,
    note,

    -- timestamps
    declared_at

from {{ source('finance', 'batch_rejections') }}
