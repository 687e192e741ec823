-- One row per window that a backtest has closed. The live schemas have none, so what is made from
-- this is empty there: a live build looks at the latest weeks, and a policy is judged by years.

with

windows as (

    select * from {{ ref('int_windows') }}
    where is_stored and {{ target.schema.startswith('asof_backtest') }}

),

final as (

    select
        windows.payout_window,
        windows.window_starts_at,
        windows.window_ends_at,
        extract(
            epoch from {{ window_ends_at('windows.window_ends_at') }} - windows.window_ends_at
        ) / 86400 as days_to_next_close,
        build.as_of as measured_at
    from windows
    cross join {{ ref('int_build') }} as build

)

select * from final
