-- One row per seller and window of a backtest at whose close they owe, or owed at the one before:
-- what of it is written off. A debt counts as lost once the seller is closed, or has owed at every
-- close for so many days; it stays a negative balance, which later sales may still pay.

with

windows as (

    select * from {{ ref('int_backtest_windows') }}

),

balances as (

    select
        windows.payout_window,
        windows.window_ends_at,
        close_rows.seller_id,
        greatest(-close_rows.net_minor, 0) as owed_minor,
        'seller_closed' = any(close_rows.hold_reasons) as is_closed
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join windows on close_rows.payout_window = windows.payout_window
    where close_rows.net_minor < 0 or close_rows.carried_forward_minor < 0

),

-- Each close without a debt ends a run of those with one.
runs as (

    select
        *,
        count(*) filter (where owed_minor = 0) over (
            partition by seller_id order by window_ends_at
        ) as run_number
    from balances

),

dated as (

    select
        *,
        min(window_ends_at) filter (where owed_minor > 0) over (
            partition by seller_id, run_number
        ) as owed_since
    from runs

),

judged as (

    select
        *,
        case
            when
                is_closed
                or window_ends_at
                >= owed_since + make_interval(hours => 24 * {{ var('backtest_write_off_days') }})
                then owed_minor
            else 0
        end as written_off_minor
    from dated

),

final as (

    select
        payout_window,
        seller_id,
        owed_minor,
        case when owed_minor > 0 then owed_since end as owed_since,
        written_off_minor,
        written_off_minor - lag(written_off_minor, 1, 0::bigint) over (
            partition by seller_id order by window_ends_at
        ) as newly_written_off_minor
    from judged

)

select * from final
