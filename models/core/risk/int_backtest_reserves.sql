-- One row per window: what of all orders' gross was in reserve at its close, and what was held back
-- after it. Weekly sums of what came in and went out, added up.

with

windows as (

    select * from {{ ref('int_backtest_windows') }}

),

by_window as (

    select
        {{ window_ends_at('known_at') }} as known_in,
        paying_window_ends_at as released_in,
        {{ window_ends_at('greatest(known_at, holdback_until)') }} as freed_in,
        sum(gross_minor) as gross_minor,
        sum(holdback_minor) as holdback_minor
    from {{ ref('int_orders') }}
    where exists (select 1 from windows)
    group by known_in, released_in, freed_in

),

final as (

    select
        windows.payout_window,
        coalesce(sum(by_window.gross_minor) filter (
            where by_window.released_in > windows.window_ends_at
        ), 0)::bigint as reserve_minor,
        coalesce(sum(by_window.holdback_minor) filter (
            where by_window.released_in <= windows.window_ends_at
        ), 0)::bigint as held_back_minor
    from windows
    left join by_window
        on
            windows.window_ends_at >= by_window.known_in
            and windows.window_ends_at < by_window.freed_in
    group by windows.payout_window

)

select * from final
