-- One row per window that a build checks, a closed one that may still be paid or is compared again:
-- what arrived in it.

with

windows as (

    select windows.* from {{ ref('int_windows') }} as windows
    cross join {{ ref('int_build') }} as build
    where
        windows.is_closed
        and (not windows.is_stored or windows.window_starts_at >= build.scope_from)

),

exceptions as (

    select
        {{ window_starts_at('known_at') }} as window_starts_at,
        count(*) as exception_count
    from {{ ref('int_exceptions') }}
    where
        is_without_effect
        -- In time for no close, and no fault of its own.
        and reason <> 'posted_late'
        and known_at >= (select min(windows.window_starts_at) from windows)
    group by {{ window_starts_at('known_at') }}

),

-- Nobody waits four weeks for an order: what was known before is not looked for.
last_orders as (

    {%- if is_distributed() %}

        select
            windows.payout_window,
            max(orders.known_at) as known_at
        from windows
        inner join {{ ref('stg_marketplace__orders') }} as orders
            on
                windows.window_ends_at > orders.known_at
                and windows.window_ends_at - interval '28 days' <= orders.known_at
        group by windows.payout_window
    {%- else %}

        -- The last entry of an index before the end; max() would read all of them.
        select
            windows.payout_window,
            latest.known_at
        from windows
        cross join lateral (
            select orders.known_at from {{ ref('stg_marketplace__orders') }} as orders
            where
                orders.known_at < windows.window_ends_at
                and orders.known_at >= windows.window_ends_at - interval '28 days'
            order by orders.known_at desc
            limit 1
        ) as latest
    {%- endif %}

),

final as (

    select
        windows.payout_window,
        windows.window_starts_at,
        windows.window_ends_at,
        windows.is_stored,
        coalesce(exceptions.exception_count, 0) as exception_count,
        last_orders.known_at as last_order_known_at
    from windows
    left join exceptions on windows.window_starts_at = exceptions.window_starts_at
    left join last_orders on windows.payout_window = last_orders.payout_window

)

select * from final
