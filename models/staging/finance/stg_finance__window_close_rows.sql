select
    -- ids
    seller_id,

    -- text
    payout_window,
    rail,
    wallet_address,
    hold_reasons,
    hold_detail,

    -- amounts
    gross_minor,
    fees_minor,
    taxes_minor,
    refunds_minor,
    disputes_minor,
    charges_minor,
    adjustments_minor,
    carried_forward_minor,
    net_minor,

    -- numbers
    order_count,
    weeks_carried

from {{ source('finance', 'window_close_rows') }}
