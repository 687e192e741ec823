-- One row per seller and window with something due: whether it was flagged and held, and whether
-- disputes came later on the orders that it pays.

with

windows as (

    select * from {{ ref('int_backtest_windows') }}

),

disputed as (

    select
        disputes.seller_id,
        orders.paying_window_ends_at as window_ends_at,
        sum(disputes.opened_minor) as disputed_minor
    from {{ ref('int_disputes') }} as disputes
    inner join {{ ref('int_orders') }} as orders
        on disputes.seller_id = orders.seller_id and disputes.order_id = orders.order_id
    where
        disputes.withdrawn_known_at is null
        and disputes.opened_known_at >= orders.paying_window_ends_at
    group by disputes.seller_id, orders.paying_window_ends_at

),

final as (

    select
        windows.payout_window,
        close_rows.seller_id,
        close_rows.net_minor,
        cardinality(close_rows.hold_reasons) > 0 as is_held,
        close_rows.hold_reasons
        && array['manual_review', 'above_maximum', 'wallet_changed', 'below_minimum'] as is_delayed,
        coalesce(health.needs_review, false) as is_flagged,
        coalesce(
            disputed.disputed_minor >= {{ cents(var('backtest_dispute_amount')) }}, false
        ) as is_disputed
    from windows
    inner join {{ ref('stg_finance__window_close_rows') }} as close_rows
        on windows.payout_window = close_rows.payout_window
    left join {{ ref('int_seller_health') }} as health
        on
            windows.payout_window = health.payout_window
            and close_rows.seller_id = health.seller_id
    left join disputed
        on
            windows.window_ends_at = disputed.window_ends_at
            and close_rows.seller_id = disputed.seller_id
    where close_rows.net_minor > 0

)

select * from final
