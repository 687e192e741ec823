-- One row per flagged seller and window, and whether that holds the payout: it does unless each of
-- the reasons only puts the seller's orders under a reserve policy.

with

health as (

    select * from {{ ref('int_seller_health') }}
    where needs_review

),

windows as (

    select * from {{ ref('int_windows') }}

),

actions as (

    select * from {{ ref('int_review_actions') }}

),

final as (

    select
        health.payout_window,
        health.seller_id,
        bool_or(actions.action is distinct from 'pay') as is_held
    from health
    inner join windows on health.payout_window = windows.payout_window
    cross join lateral unnest(health.review_reasons) as found (review_reason)
    left join actions
        on
            found.review_reason = actions.review_reason
            and windows.window_ends_at >= actions.valid_from
            and windows.window_ends_at < actions.valid_to
    group by health.payout_window, health.seller_id

)

select * from final
