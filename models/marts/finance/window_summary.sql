with

settlement as (

    select * from {{ ref('int_settlement') }}

),

windows as (

    select * from {{ ref('windows') }}

),

health as (

    select
        payout_window,
        count(*) as seller_count,
        count(*) filter (where needs_review) as flagged_count
    from {{ ref('stg_finance__window_close_health') }}
    group by payout_window

),

closes as (

    select
        payout_window,
        absorbed_disputes_minor
    from {{ ref('stg_finance__window_closes') }}
    where {{ var('use_stored_closes') }}

),

late_disputes as (

    select
        {{ window_starts_at('opened_known_at') }} as window_starts_at,
        sum(opened_minor)::bigint as absorbed_minor
    from {{ ref('int_disputes') }}
    where is_absorbed
    group by {{ window_starts_at('opened_known_at') }}

),

sums as (

    select
        payout_window,
        bool_and(is_stored) as is_stored,
        count(*) as row_count,
        sum(gross_minor) as gross_minor,
        sum(fees_minor) as fees_minor,
        sum(taxes_minor) as taxes_minor,
        sum(refunds_minor) as refunds_minor,
        sum(disputes_minor) as disputes_minor,
        sum(charges_minor) as charges_minor,
        sum(adjustments_minor) as adjustments_minor,
        sum(carried_forward_minor) as carried_forward_minor,
        sum(net_minor) as net_minor,
        sum(order_count) as order_count
    from settlement
    group by payout_window

),

final as (

    select
        windows.payout_window,
        windows.window_starts_at,
        windows.window_ends_at,
        windows.payout_due_at,
        windows.is_closed,
        coalesce(sums.is_stored, windows.is_stored) as is_stored,
        coalesce(sums.row_count, 0) as seller_count,
        coalesce(sums.order_count, 0) as order_count,
        {{ money('coalesce(sums.gross_minor, 0)') }} as gross,
        {{ money('coalesce(sums.fees_minor, 0)') }} as fees,
        {{ money('coalesce(sums.taxes_minor, 0)') }} as taxes,
        {{ money('coalesce(sums.refunds_minor, 0)') }} as refunds,
        {{ money('coalesce(sums.disputes_minor, 0)') }} as disputes,
        {{ money('coalesce(sums.charges_minor, 0)') }} as charges,
        {{ money('coalesce(sums.adjustments_minor, 0)') }} as adjustments,
        {{ money('coalesce(sums.carried_forward_minor, 0)') }} as carried_forward,
        {{ money('coalesce(sums.net_minor, 0)') }} as net,
        {{ money('coalesce(closes.absorbed_disputes_minor, late_disputes.absorbed_minor, 0)') }}
            as absorbed_disputes,
        health.flagged_count,
        round(health.flagged_count::numeric / nullif(health.seller_count, 0), 4) as flagged_share
    from windows
    left join sums on windows.payout_window = sums.payout_window
    left join health on windows.payout_window = health.payout_window
    left join closes on windows.payout_window = closes.payout_window
    left join late_disputes on windows.window_starts_at = late_disputes.window_starts_at

)

select * from final
