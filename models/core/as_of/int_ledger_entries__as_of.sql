-- What the rail had told by the instant this schema shows.

select
    rail_currency,
    ledger_entry_id,
    payout_id,
    entry_type,
    amount,
    created_at,
    recorded_at
from {{ ref('stg_halfin__ledger_entries') }}
where recorded_at <= {{ status_as_of() }}
