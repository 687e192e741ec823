-- One row per seller and closed window without a stored close for which review reasons ask for a
-- reserve policy: found in the window itself, or so few weeks before that they still count. What
-- people decide about the seller ends what was found before it.

with

windows as (

    select * from {{ ref('int_windows') }}

),

actions as (

    select * from {{ ref('int_review_actions') }}

),

-- No older close can have found what still counts.
recent_closes as (

    select closes.payout_window
    from {{ ref('int_window_closes__as_of') }} as closes
    where
        closes.window_ends_at
        > (select build.stored_until from {{ ref('int_build') }} as build)
        - make_interval(weeks => (select coalesce(max(actions.lift_after_weeks), 0) from actions))

),

found as (

    select
        health.payout_window,
        health.seller_id,
        health.review_reasons
    from {{ ref('int_seller_health') }} as health
    inner join windows on health.payout_window = windows.payout_window
    where health.needs_review and not windows.is_stored

    union all

    select
        health.payout_window,
        health.seller_id,
        health.review_reasons
    from {{ ref('stg_finance__window_close_health') }} as health
    inner join recent_closes on health.payout_window = recent_closes.payout_window
    where health.needs_review

),

decided as (

    select
        seller_id,
        max(approved_at) as approved_at
    from {{ ref('stg_finance__reserve_assignments') }}
    where approved_at <= {{ as_of() }}
    group by seller_id

),

-- What a reason does is what was in force at the end of the window in which it was found.
asked as (

    select
        windows.payout_window,
        windows.window_ends_at,
        found.seller_id,
        reasons.review_reason,
        actions.reserve_policy
    from found
    inner join windows as found_in on found.payout_window = found_in.payout_window
    cross join lateral unnest(found.review_reasons) as reasons (review_reason)
    inner join actions
        on
            reasons.review_reason = actions.review_reason
            and actions.action = 'pay'
            and found_in.window_ends_at >= actions.valid_from
            and found_in.window_ends_at < actions.valid_to
    inner join windows
        on
            windows.is_closed
            and not windows.is_stored
            and {{ settlement_day('windows.window_starts_at') }}
            - {{ settlement_day('found_in.window_starts_at') }}
            between 0 and 7 * actions.lift_after_weeks - 1
    left join decided on found.seller_id = decided.seller_id
    where coalesce(decided.approved_at < found_in.window_ends_at, true)

),

-- Of several policies the one that keeps more, for longer.
final as (

    select
        asked.payout_window,
        asked.seller_id,
        (array_agg(
            asked.reserve_policy
            order by
                policies.holdback_percent desc, policies.holdback_period desc,
                policies.reserve_period desc, asked.reserve_policy asc
        ))[1] as reserve_policy,
        array_agg(distinct asked.review_reason) as review_reasons
    from asked
    inner join {{ ref('int_reserve_policies') }} as policies
        on
            asked.reserve_policy = policies.reserve_policy
            and asked.window_ends_at >= policies.valid_from
            and asked.window_ends_at < policies.valid_to
    group by asked.payout_window, asked.seller_id

)

select * from final
