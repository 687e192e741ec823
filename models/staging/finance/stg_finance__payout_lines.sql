select
    -- ids
    line_id,
    batch_id,
    call_sequence,
    seller_id,
    payout_id,

    -- text
    payout_window,
    rail,
    rail_currency,
    wallet_address,
    state as line_state,
    rail_status,
    tx_hash,
    failure_code,
    failure_reason,

    -- amounts
    amount_minor,
    network_fee,
    fee_amount,

    -- timestamps
    frozen_at,
    outcome_at,
    returned_at,
    retaken_at

from {{ source('finance', 'payout_lines') }}
