-- One row per dispute that nobody withdrew: who bore it, at face value. Only the order's own money
-- counts as still there: of a later order's, another dispute may need it.

with

windows as (

    select * from {{ ref('int_backtest_windows') }}

),

close_rows as (

    select * from {{ ref('stg_finance__window_close_rows') }}

),

disputes as (

    select
        windows.payout_window,
        disputes.seller_id,
        disputes.order_id,
        disputes.dispute_id,
        disputes.opened_minor,
        disputes.opened_known_at,
        disputes.is_in_time,
        orders.gross_minor,
        orders.holdback_minor,
        orders.holdback_until > disputes.opened_known_at as is_held_back,
        orders.paying_window_ends_at,
        orders.paying_window_ends_at > disputes.opened_known_at as is_before_its_close,
        -- The close before the dispute.
        windows.window_starts_at as last_closed_at
    from {{ ref('int_disputes') }} as disputes
    inner join windows
        on
            disputes.opened_known_at >= windows.window_starts_at
            and disputes.opened_known_at < windows.window_ends_at
    inner join {{ ref('int_orders') }} as orders
        on disputes.seller_id = orders.seller_id and disputes.order_id = orders.order_id
    where disputes.withdrawn_known_at is null

),

-- Paid with its window, or with a later one that carried it.
paid as (

    select distinct
        disputes.seller_id,
        disputes.order_id,
        disputes.dispute_id
    from disputes
    inner join {{ ref('int_payout_lines__as_of') }} as payout_lines
        on disputes.seller_id = payout_lines.seller_id
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on
            payout_lines.payout_window = closes.payout_window
            and disputes.paying_window_ends_at <= closes.window_ends_at
            and disputes.last_closed_at >= closes.window_ends_at

),

still_there as (

    select
        disputes.*,
        case
            when not disputes.is_before_its_close and paid.order_id is null
                then least(disputes.gross_minor, greatest(close_rows.net_minor, 0))
            when disputes.is_held_back then disputes.holdback_minor
            else 0
        end as still_there_minor
    from disputes
    left join paid
        on
            disputes.seller_id = paid.seller_id
            and disputes.order_id = paid.order_id
            and disputes.dispute_id = paid.dispute_id
    left join windows as last_closed on disputes.last_closed_at = last_closed.window_ends_at
    left join close_rows
        on
            last_closed.payout_window = close_rows.payout_window
            and disputes.seller_id = close_rows.seller_id

),

split as (

    select
        *,
        case when is_in_time and is_before_its_close then opened_minor else 0 end
            as recovered_minor,
        case
            when is_in_time and is_before_its_close then 0
            else least(opened_minor, coalesce(still_there_minor, 0))
        end as avoided_minor
    from still_there

),

final as (

    select
        payout_window,
        seller_id,
        order_id,
        dispute_id,
        opened_minor,
        recovered_minor,
        avoided_minor,
        case when is_in_time then opened_minor - recovered_minor - avoided_minor else 0 end
            as charged_later_minor,
        case when is_in_time then 0 else opened_minor - avoided_minor end as absorbed_minor
    from split

)

select * from final
