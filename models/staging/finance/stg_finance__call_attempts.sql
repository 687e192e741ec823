select
    -- ids
    batch_id,
    sequence as call_sequence,
    attempt,

    -- numbers
    http_status,

    -- timestamps
    begun_at,
    ended_at

from {{ source('finance', 'call_attempts') }}
