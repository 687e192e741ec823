{{ config(materialized='table', meta={'placement': 'coordinator'}) }}

with

closes as (

    select * from {{ ref('int_window_closes__as_of') }}

),

rechecked as (

    select * from closes
    order by window_starts_at desc
    limit {{ var('recheck_windows') }}

),

-- Of the policies that some seller is under, or may be without a decision.
policies as (

    select
        coalesce(max(reserve_period), interval '168 hours') as longest_reserve,
        coalesce(max(reserve_period + holdback_period), interval '168 hours') as longest_period
    from {{ ref('int_reserve_policies') }}
    where
        reserve_policy = 'standard'
        or reserve_policy in (
            select assignments.reserve_policy
            from {{ ref('int_reserve_assignments') }} as assignments
            union all
            select new_sellers.reserve_policy
            from {{ ref('int_new_seller_policies') }} as new_sellers
        )

),

latest as (

    select coalesce(max(window_ends_at), '-infinity') as stored_until from closes

),

go_live as (

    select max(starts_at) as opened_at from {{ ref('stg_finance__go_lives') }}
    where {{ go_live_counts('approved_at', 'withdrawn_at') }}

),

bounds as (

    select
        latest.stored_until,
        policies.longest_period,
        -- Far enough back to compare the latest closes again. A marketplace with fewer of them is
        -- computed whole: what lands late may be older than its first window.
        (
            select
                case
                    when {{ is_scoped() }} and count(*) = {{ var('recheck_windows') }}
                        then min(rechecked.window_starts_at)
                    else '-infinity'
                end
            from rechecked
        ) as scope_from,
        -- Health looks back from the first window that has ended since, else from the latest close.
        case
            when not {{ is_scoped() }} then '-infinity'
            when {{ window_ends_at('latest.stored_until') }} <= {{ as_of() }}
                then {{ window_ends_at('latest.stored_until') }}
            else latest.stored_until
        end - interval '720 hours' as health_from
    from latest
    cross join policies

),

final as (

    select
        {{ as_of() }} as as_of,
        make_interval(mins => {{ var('close_lag_minutes') }}) as close_lag,
        '{{ var("settlement_timezone") }}' as settlement_timezone,
        '{{ var("settlement_currency") }}' as currency,
        currencies.currencies_digest,
        bounds.stored_until,
        coalesce(go_live.opened_at, '-infinity') as opened_at,
        bounds.scope_from,
        bounds.health_from,
        least(bounds.scope_from, bounds.health_from) as known_from,
        least(bounds.scope_from - bounds.longest_period, bounds.health_from) as ordered_from
    from bounds
    cross join go_live
    cross join {{ ref('int_currencies_digest') }} as currencies

)

select * from final
