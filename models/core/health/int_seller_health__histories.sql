-- One row per seller with an effective order known before the end of a window, and window: how many
-- whole days of selling lie before its last 7 days, at most the 23 that a spike is compared with.

with

windows as (

    select
        payout_window,
        window_ends_at,
        window_ends_at - interval '720 hours' as trailing_from
    from {{ ref('int_windows') }}
    where is_closed and (is_latest_closed or not is_stored)

),

orders as (

    select
        seller_id,
        ordered_at,
        known_at
    from {{ ref('int_orders') }}

),

firsts as (

    select
        seller_id,
        min(known_at) as known_at
    from orders
    group by seller_id

),

-- Of most sellers the order that was known first is also the one that was placed first. One that
-- became known later counts from then on.
first_known as (

    select
        orders.seller_id,
        min(orders.ordered_at) as ordered_at
    from orders
    inner join firsts
        on orders.seller_id = firsts.seller_id and orders.known_at = firsts.known_at
    group by orders.seller_id

),

early_orders as (

    select orders.*
    from orders
    inner join first_known on orders.seller_id = first_known.seller_id
    where orders.ordered_at <= first_known.ordered_at

),

known as (

    select
        windows.payout_window,
        early_orders.seller_id,
        early_orders.ordered_at
    from windows
    inner join early_orders on windows.window_ends_at > early_orders.known_at

),

-- An order that is older than what this build looks at is in a stored close. A build that looks at
-- all orders asks no close.
stored as (

    select
        close_rows.seller_id,
        min(closes.window_starts_at) as known_at
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on close_rows.payout_window = closes.payout_window
    where
        close_rows.order_count > 0
        and (select build.ordered_from from {{ ref('int_build') }} as build) > '-infinity'
    group by close_rows.seller_id

),

stored_known as (

    select
        windows.payout_window,
        stored.seller_id,
        -- Without such an entry each order of the seller is recent, and among those above.
        case
            when exists (
                select 1 from {{ ref('stg_finance__window_close_entries') }} as entries
                where
                    entries.seller_id = stored.seller_id
                    and entries.entry_type = 'order'
                    and entries.occurred_at < windows.trailing_from
            ) then windows.trailing_from
        end as ordered_at
    from windows
    inner join stored on windows.window_ends_at > stored.known_at

),

all_known as (

    select * from known

    union all

    select * from stored_known

),

final as (

    select
        windows.payout_window,
        all_known.seller_id,
        greatest(0, least(23, floor(
            extract(
                epoch from windows.window_ends_at - interval '168 hours'
                - min(all_known.ordered_at)
            ) / 86400
        )))::integer as history_days
    from all_known
    inner join windows on all_known.payout_window = windows.payout_window
    group by windows.payout_window, windows.window_ends_at, all_known.seller_id

)

select * from final
