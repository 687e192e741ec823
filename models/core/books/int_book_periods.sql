-- One row per period of the books: windows, and calendar months of the settlement zone, from the
-- first day on which something moved to the one that contains the instant shown.

with

bounds as (

    select
        min(moved_on)::timestamp as first_on,
        {{ settlement_day(status_as_of()) }}::timestamp as last_on
    from {{ ref('int_book_days') }}

),

windows as (

    select
        generate_series(date_trunc('week', first_on), last_on, interval '7 days')::date
            as starts_on
    from bounds

),

months as (

    select
        generate_series(date_trunc('month', first_on), last_on, interval '1 month')::date
            as starts_on
    from bounds

),

days as (

    select
        'window' as period_type,
        {{ window_label(day_starts_at('starts_on')) }} as period,
        starts_on,
        starts_on + 7 as ends_on
    from windows

    union all

    select
        'month' as period_type,
        to_char(starts_on, 'YYYY-MM') as period,
        starts_on,
        (starts_on + interval '1 month')::date as ends_on
    from months

),

final as (

    select
        period_type,
        period,
        starts_on,
        ends_on,
        {{ day_starts_at('starts_on') }} as starts_at,
        {{ day_starts_at('ends_on') }} as ends_at
    from days

)

select * from final
