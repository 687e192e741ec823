-- Fails if what finance reads per window is not the sum of the sellers' rows, or a window with rows
-- is missing. Of the windows since the scope begins: older rows do not change.

with

windows as (

    select payout_window from {{ ref('windows') }}
    where window_ends_at > (select build.scope_from from {{ ref('int_build') }} as build)

),

settlement as (

    select
        payout_window,
        count(*) as seller_count,
        sum(order_count) as order_count,
        sum(gross) as gross,
        sum(fees) as fees,
        sum(taxes) as taxes,
        sum(refunds) as refunds,
        sum(disputes) as disputes,
        sum(charges) as charges,
        sum(adjustments) as adjustments,
        sum(carried_forward) as carried_forward,
        sum(net) as net
    from {{ ref('seller_settlement') }}
    where window_ends_at > (select build.scope_from from {{ ref('int_build') }} as build)
    group by payout_window

),

summary as (

    select summaries.* from {{ ref('window_summary') }} as summaries
    inner join windows on summaries.payout_window = windows.payout_window

)

select
    coalesce(settlement.payout_window, summary.payout_window) as payout_window,
    settlement.net as settlement_net,
    summary.net as summary_net
from settlement
full outer join summary on settlement.payout_window = summary.payout_window
where
    summary.payout_window is null
    or (
        summary.seller_count, summary.order_count, summary.gross, summary.fees, summary.taxes,
        summary.refunds, summary.disputes, summary.charges, summary.adjustments,
        summary.carried_forward, summary.net
    ) is distinct from (
        coalesce(settlement.seller_count, 0), coalesce(settlement.order_count, 0),
        coalesce(settlement.gross, 0), coalesce(settlement.fees, 0),
        coalesce(settlement.taxes, 0), coalesce(settlement.refunds, 0),
        coalesce(settlement.disputes, 0), coalesce(settlement.charges, 0),
        coalesce(settlement.adjustments, 0), coalesce(settlement.carried_forward, 0),
        coalesce(settlement.net, 0)
    )
