with

settlement as (

    select * from {{ ref('int_settlement') }}

),

latest_lines as (

    select distinct on (payout_window, seller_id) *
    from {{ ref('int_payout_lines__as_of') }}
    where line_state <> 'rejected'
    order by payout_window asc, seller_id asc, frozen_at desc, line_id asc

),

-- What holds a line of the latest closed window can change until the freeze.
current_holds as (

    select * from {{ ref('stg_finance__current_holds') }}
    where {{ not target.schema.startswith('asof_') }}

),

judged as (

    select
        settlement.*,
        latest_lines.line_state,
        latest_lines.failure_reason,
        coalesce(current_holds.hold_reasons, settlement.hold_reasons) as holds_now,
        settlement.window_ends_at <= {{ status_as_of() }} as is_closed,
        {{ window_ends_at('settlement.window_ends_at') }} <= {{ status_as_of() }}
            as is_newer_closed
    from settlement
    left join latest_lines
        on
            settlement.payout_window = latest_lines.payout_window
            and settlement.seller_id = latest_lines.seller_id
    left join current_holds
        on
            settlement.seller_id = current_holds.seller_id
            and settlement.payout_window = current_holds.payout_window

),

final as (

    select
        seller_id,
        payout_window,
        {{ money('gross_minor') }} as gross,
        {{ money('fees_minor') }} as fees,
        {{ money('refunds_minor') }} as refunds,
        {{ money('net_minor') }} as net,
        rail,
        finance.payout_status(
            is_closed, line_state, cardinality(holds_now) > 0, is_newer_closed
        ) as status,
        {{ money('taxes_minor') }} as taxes,
        {{ money('disputes_minor') }} as disputes,
        {{ money('charges_minor') }} as charges,
        {{ money('adjustments_minor') }} as adjustments,
        {{ money('carried_forward_minor') }} as carried_forward,
        case when is_closed and line_state is null then holds_now[1] end as hold_reason,
        case when is_closed and line_state is null then hold_detail end as hold_detail,
        failure_reason,
        order_count,
        wallet_address,
        weeks_carried,
        window_starts_at,
        window_ends_at
    from judged

)

select
    final.seller_id::text as seller_id,
    final.payout_window,
    final.gross,
    final.fees,
    final.refunds,
    final.net,
    final.rail,
    final.status,
    final.taxes,
    final.disputes,
    final.charges,
    final.adjustments,
    final.carried_forward,
    final.hold_reason,
    final.hold_detail,
    final.failure_reason,
    final.order_count,
    final.wallet_address::text as wallet_address,
    final.weeks_carried,
    final.window_starts_at,
    final.window_ends_at
from final
