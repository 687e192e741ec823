-- Of windows that had ended by the instant of the build; none where everything is computed anew.

select
    payout_window,
    currency,
    settlement_timezone,
    absorbed_disputes_minor,
    window_starts_at,
    window_ends_at,
    payout_due_at,
    closed_at
from {{ ref('stg_finance__window_closes') }}
where {{ var('use_stored_closes') }} and window_ends_at <= {{ as_of() }}
