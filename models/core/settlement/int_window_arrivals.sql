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

final as (

    select
        windows.payout_window,
        windows.window_starts_at,
        windows.window_ends_at,
        windows.is_stored,
        coalesce(exceptions.exception_count, 0) as exception_count,
        -- The last entry of an index before the end; max() would read all of it.
        (
            select orders.known_at from {{ ref('stg_marketplace__orders') }} as orders
            where orders.known_at < windows.window_ends_at
            order by orders.known_at desc
            limit 1
        ) as last_order_known_at
    from windows
    left join exceptions on windows.window_starts_at = exceptions.window_starts_at

)

select * from final
