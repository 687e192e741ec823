-- As they were at the instant this schema shows: what came later had not happened.

with

lines as (

    select
        *,
        outcome_at <= {{ status_as_of() }} as has_outcome,
        outcome_at <= {{ status_as_of() }} and line_state <> 'returned' as has_failed,
        returned_at <= {{ status_as_of() }} as is_returned,
        retaken_at <= {{ status_as_of() }} as is_retaken
    from {{ ref('stg_finance__payout_lines') }}
    where frozen_at <= {{ status_as_of() }}

),

closes as (

    select * from {{ ref('stg_finance__window_closes') }}

),

final as (

    select
        -- ids
        lines.line_id,
        lines.batch_id,
        lines.call_sequence,
        lines.seller_id,
        lines.payout_id,

        -- text
        lines.payout_window,
        lines.rail,
        lines.rail_currency,
        lines.wallet_address,
        case
            when lines.line_state = 'returned' and not lines.is_returned
                then case when lines.has_outcome then 'completed' else 'submitted' end
            when lines.has_outcome or (lines.is_returned and lines.line_state = 'rejected')
                then lines.line_state
            when lines.is_returned then 'failed'
            else 'submitted'
        end as line_state,
        case when lines.has_outcome is not true then lines.rail_status end as rail_status,
        case when lines.has_outcome then lines.tx_hash end as tx_hash,
        case when lines.has_failed or lines.is_returned then lines.failure_code end as failure_code,
        case when lines.has_failed or lines.is_returned then lines.failure_reason end
            as failure_reason,

        -- amounts
        lines.amount_minor,
        case when lines.has_outcome then lines.network_fee end as network_fee,
        case when lines.has_outcome then lines.fee_amount end as fee_amount,

        -- timestamps
        lines.frozen_at,
        closes.window_ends_at as counts_from,
        -- When a line failed that completed since is no longer known; when that was confirmed is.
        case
            when lines.has_outcome then lines.outcome_at
            when lines.is_returned and lines.line_state <> 'rejected' then lines.returned_at
        end as outcome_at,
        case when lines.is_returned then lines.returned_at end as returned_at,
        case when lines.is_retaken then lines.retaken_at end as retaken_at

    from lines
    inner join closes on lines.payout_window = closes.payout_window

)

select * from final
