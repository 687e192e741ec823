{{ config(materialized='table') }}

with

windows as (

    select * from {{ ref('int_window_arrivals') }}

),

totals as (

    select * from {{ ref('int_window_totals') }}

),

contradictions as (

    select
        payout_window,
        count(*) as row_count,
        sum(computed_minor - stored_minor) as difference_minor
    from {{ ref('int_close_contradictions') }}
    group by payout_window

),

judged as (

    select
        windows.payout_window,
        checks.check_name,
        checks.is_passed,
        checks.detail
    from windows
    left join totals on windows.payout_window = totals.payout_window
    left join contradictions on windows.payout_window = contradictions.payout_window
    cross join lateral (
        values
        (
            'conservation',
            -- Of a stored window the database has made sure at the close.
            windows.is_stored
            or coalesce(totals.new_minor, 0) = coalesce(totals.entries_minor, 0),
            'the rows of the window sum to ' || {{ money('coalesce(totals.new_minor, 0)') }}
            || ', its entries to ' || {{ money('coalesce(totals.entries_minor, 0)') }}
        ),
        (
            'contradicted_close',
            contradictions.row_count is null,
            coalesce(contradictions.row_count, 0) || ' stored rows differ from the facts, by '
            || {{ money('coalesce(contradictions.difference_minor, 0)') }} || ' in all'
        ),
        (
            'data_exceptions',
            windows.exception_count
            <= greatest(
                {{ var('check_exceptions_least') }},
                {{ var('check_exceptions_share') }} * coalesce(totals.order_count, 0)
            ),
            windows.exception_count || ' facts without effect became known, for '
            || coalesce(totals.order_count, 0) || ' orders'
        ),
        (
            'unusual_total',
            totals.median_minor is null
            or (
                -- Multiplied, not divided: integers would be cut off. By size, since weeks of
                -- refunds alone are below zero.
                sign(totals.new_minor) = sign(totals.median_minor)
                and abs(totals.new_minor) * {{ var('check_total_ratio') }}
                >= abs(totals.median_minor)
                and abs(totals.new_minor)
                <= abs(totals.median_minor) * {{ var('check_total_ratio') }}
            ),
            'new in the window: ' || {{ money('coalesce(totals.new_minor, 0)') }}
            || ', median of the 8 before: '
            || coalesce(({{ money('totals.median_minor') }})::text, 'none')
        ),
        (
            'stale_sources',
            windows.last_order_known_at >= windows.window_ends_at
            - interval '{{ var("check_stale_hours") }} hours',
            'last order known before the end of the window: '
            || coalesce(
                to_char(windows.last_order_known_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                || ' UTC', 'none'
            )
        )
    ) as checks (check_name, is_passed, detail)

),

final as (

    select
        payout_window,
        check_name,
        true as is_blocking,
        coalesce(is_passed, false) as is_passed,
        detail
    from judged

)

select * from final
