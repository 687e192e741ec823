-- One row per seller with an effective order known before the end of a window, and window: their
-- first such order, and how many whole days of selling lie before the window's last 7 days, at most
-- the 23 that a spike is compared with.

with

windows as (

    select
        payout_window,
        window_ends_at
    from {{ ref('int_windows') }}
    where is_closed and (is_latest_closed or not is_stored)

),

-- What is older than a build looks at is in the latest stored close. A build that looks at all
-- orders asks no close.
stored as (

    select
        health.seller_id,
        health.first_ordered_at as ordered_at,
        closes.window_starts_at as known_at
    from {{ ref('stg_finance__window_close_health') }} as health
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on health.payout_window = closes.payout_window
    cross join {{ ref('int_build') }} as build
    where closes.window_ends_at = build.stored_until and build.ordered_from > '-infinity'

),

known as (

    -- One that is no older than the first of before changes nothing.
    select
        orders.seller_id,
        orders.ordered_at,
        orders.known_at
    from {{ ref('int_orders') }} as orders
    left join stored on orders.seller_id = stored.seller_id
    where orders.ordered_at < coalesce(stored.ordered_at, 'infinity')

    union all

    select * from stored

),

-- By the week in which it became known first: where all windows are computed, each looks at few.
weekly as (

    select
        seller_id,
        {{ window_ends_at('known_at') }} as known_before,
        min(ordered_at) as ordered_at
    from known
    group by seller_id, known_before

),

firsts as (

    select
        windows.payout_window,
        windows.window_ends_at,
        weekly.seller_id,
        min(weekly.ordered_at) as first_ordered_at
    from windows
    inner join weekly on windows.window_ends_at >= weekly.known_before
    group by windows.payout_window, windows.window_ends_at, weekly.seller_id

),

final as (

    select
        payout_window,
        seller_id,
        first_ordered_at,
        greatest(0, least(23, floor(
            extract(epoch from window_ends_at - interval '168 hours' - first_ordered_at) / 86400
        )))::integer as history_days
    from firsts

)

select * from final
