select
    -- ids
    currency as rail_currency,
    ledger_entry_id,
    payout_id,

    -- text
    entry_type,

    -- amounts
    amount,

    -- timestamps
    created_at,
    recorded_at

from {{ source('halfin', 'ledger_entries') }}
