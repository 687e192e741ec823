{{ config(materialized='table') }}

with

closes as (

    select * from {{ ref('stg_finance__window_closes') }}

),

rechecked as (

    select * from closes
    order by window_starts_at desc
    limit {{ var('recheck_windows') }}

),

final as (

    select
        {{ as_of() }} as as_of,
        make_interval(mins => {{ var('close_lag_minutes') }}) as close_lag,
        '{{ var("settlement_timezone") }}' as settlement_timezone,
        '{{ var("settlement_currency") }}' as currency,
        (
            select coalesce(max(closes.window_ends_at), '-infinity') from closes
        ) as stored_until,
        -- Far enough back to compare the latest closes again, and for 30 days of health.
        (
            select
                coalesce(
                    least(
                        min(rechecked.window_starts_at),
                        max(rechecked.window_ends_at) - interval '720 hours'
                    ),
                    '-infinity'
                )
            from rechecked
            where {{ is_scoped() }}
        ) as scope_from

)

select * from final
