{{ config(materialized='table') }}

with

build as (

    select * from {{ ref('int_build') }}

),

orders as (

    select min(ordered_at) as first_ordered_at from {{ ref('stg_marketplace__orders') }}
    where not is_misdated

),

charges as (

    select min(known_at) as first_known_at from {{ ref('stg_marketplace__seller_charges') }}
    where not is_misdated

),

adjustments as (

    select min(approved_at) as first_approved_at from {{ ref('int_adjustments__as_of') }}

),

closes as (

    select * from {{ ref('int_window_closes__as_of') }}

),

holidays as (

    select * from {{ ref('payout_holidays') }}

),

-- One date that cannot be would open a window for each week since: no misdated fact has an effect.
-- Windows begin with the go-live. Without one, no entry is available before the first order's
-- release under the shortest policy. Once a close is stored, its window is the first: an older
-- order that lands late opens no window before it.
bounds as (

    select
        coalesce(
            (select min(closes.window_starts_at) from closes),
            nullif(build.opened_at, '-infinity'),
            least(
                orders.first_ordered_at
                + (
                    select least(min(policies.reserve_period), interval '168 hours')
                    from {{ ref('int_reserve_policies') }} as policies
                ),
                charges.first_known_at,
                adjustments.first_approved_at,
                build.as_of
            )
        ) as first_at,
        build.as_of
    from orders
    cross join charges
    cross join adjustments
    cross join build

),

-- Local Mondays, so that a week with a DST change is one window of 167 or 169 hours.
mondays as (

    select
        generate_series(
            date_trunc('week', first_at at time zone '{{ var("settlement_timezone") }}'),
            as_of at time zone '{{ var("settlement_timezone") }}',
            interval '7 days'
        ) at time zone '{{ var("settlement_timezone") }}' as window_starts_at
    from bounds

),

bounded as (

    select
        {{ window_label('window_starts_at') }} as payout_window,
        window_starts_at,
        {{ window_ends_at('window_starts_at') }} as window_ends_at,
        finance.payout_due_at(
            window_starts_at,
            '{{ var("settlement_timezone") }}',
            array(select holidays.day from holidays)
        ) as payout_due_at
    from mondays

),

final as (

    select
        bounded.payout_window,
        bounded.window_starts_at,
        bounded.window_ends_at,
        -- A close keeps its day, whatever becomes a holiday since.
        coalesce(closes.payout_due_at, bounded.payout_due_at) as payout_due_at,
        bounded.window_ends_at <= build.as_of as is_closed,
        bounded.window_ends_at <= build.as_of
        and {{ window_ends_at('bounded.window_ends_at') }} > build.as_of as is_latest_closed,
        bounded.window_starts_at < build.stored_until as is_stored
    from bounded
    cross join build
    left join closes on bounded.payout_window = closes.payout_window

)

select * from final
