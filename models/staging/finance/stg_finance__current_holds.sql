-- The function behind the gate in front of a payout, asked for the one window that can be paid.
select
    -- ids
    holds.seller_id,

    -- text
    latest_closed.payout_window,
    holds.hold_reasons

from finance.latest_closed_window() as latest_closed (payout_window)
cross join lateral {{ source('finance', 'current_holds') }}(latest_closed.payout_window) as holds
