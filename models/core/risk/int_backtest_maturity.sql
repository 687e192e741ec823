-- One row per window with an order that it pays: the share of those orders' disputes that is known
-- by now, by the age of each order.

with

backtest as (

    select distinct measured_at from {{ ref('int_backtest_windows') }}

),

delays as (

    select * from {{ ref('int_dispute_delays') }}

),

ages as (

    select
        orders.paying_window_ends_at,
        floor(extract(epoch from backtest.measured_at - orders.ordered_at) / 604800)::integer
            as age_weeks,
        sum(orders.gross_minor) as gross_minor
    from {{ ref('int_orders') }} as orders
    cross join backtest
    group by orders.paying_window_ends_at, age_weeks

),

final as (

    select
        windows.payout_window,
        round(
            sum(ages.gross_minor * coalesce(delays.known_share, 0)) / sum(ages.gross_minor), 6
        )::numeric(7, 6) as known_share
    from {{ ref('int_backtest_windows') }} as windows
    inner join ages on windows.window_ends_at = ages.paying_window_ends_at
    left join delays on ages.age_weeks - 1 = delays.delay_weeks
    group by windows.payout_window

)

select * from final
