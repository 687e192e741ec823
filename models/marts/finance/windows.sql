select
    payout_window,
    window_starts_at,
    window_ends_at,
    payout_due_at,
    is_closed,
    is_latest_closed,
    is_stored
from {{ ref('int_windows') }}
