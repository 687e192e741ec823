with

source as (

    select
        *,
        outcome_at <= {{ status_as_of() }} as has_outcome,
        returned_at <= {{ status_as_of() }} as is_returned,
        retaken_at <= {{ status_as_of() }} as is_retaken
    from {{ source('finance', 'payout_lines') }}
    where frozen_at <= {{ status_as_of() }}

),

closes as (

    select * from {{ source('finance', 'window_closes') }}

),

-- As they stood at the instant this schema shows: what came later had not happened.
standing as (

    select
        -- ids
        source.line_id,
        source.batch_id,
        source.call_sequence,
        source.seller_id,
        source.payout_id,

        -- text
        source.payout_window,
        source.rail,
        source.rail_currency,
        source.wallet_address,
        case
            when source.has_outcome or (source.is_returned and source.state = 'rejected')
                then source.state
            when source.is_returned then 'failed'
            else 'submitted'
        end as line_state,
        case when source.has_outcome is not true then source.rail_status end as rail_status,
        case when source.has_outcome then source.tx_hash end as tx_hash,
        case when source.has_outcome or source.is_returned then source.failure_code end
            as failure_code,
        case when source.has_outcome or source.is_returned then source.failure_reason end
            as failure_reason,

        -- amounts
        source.amount_minor,
        case when source.has_outcome then source.network_fee end as network_fee,
        case when source.has_outcome then source.fee_amount end as fee_amount,

        -- timestamps
        source.frozen_at,
        closes.window_ends_at as counts_from,
        -- When a line failed that completed since is no longer known; when that was confirmed is.
        case
            when source.has_outcome then source.outcome_at
            when source.is_returned and source.state <> 'rejected' then source.returned_at
        end as outcome_at,
        case when source.is_returned then source.returned_at end as returned_at,
        case when source.is_retaken then source.retaken_at end as retaken_at

    from source
    inner join closes on source.payout_window = closes.payout_window

)

select * from standing
