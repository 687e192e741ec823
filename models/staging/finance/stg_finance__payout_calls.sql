select
    -- ids
    batch_id,
    sequence as call_sequence,

    -- text
    state as call_state,

    -- numbers
    line_count

from {{ source('finance', 'payout_calls') }}
