with

health as (

    select * from {{ ref('int_seller_health') }}

),

windows as (

    select * from {{ ref('windows') }}
    where is_latest_closed

),

final as (

    select
        health.seller_id::text as seller_id,
        health.trailing_30d_gross,
        health.trailing_30d_fees,
        health.trailing_30d_disputes,
        health.health_score,
        health.dispute_rate,
        health.refund_rate,
        health.spike_ratio,
        health.needs_review,
        health.review_reasons,
        windows.payout_window as as_of_window,
        windows.window_ends_at as as_of
    from health
    inner join windows on health.payout_window = windows.payout_window

)

select * from final
