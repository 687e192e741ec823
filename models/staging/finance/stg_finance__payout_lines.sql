with

source as (

    select * from {{ source('finance', 'payout_lines') }}

),

closes as (

    select * from {{ source('finance', 'window_closes') }}

),

-- As they stood at the instant this schema shows: what came later had not happened.
standing as (

    select
        source.line_id,
        source.batch_id,
        source.seller_id,
        source.payout_window,
        source.amount_minor,
        source.frozen_at,
        closes.window_ends_at as counts_from,
        case
            when source.outcome_at <= {{ status_as_of() }} then source.state
            when source.state = 'rejected' and source.returned_at <= {{ status_as_of() }}
                then source.state
            else 'submitted'
        end as line_state,
        source.failure_reason,
        source.outcome_at,
        case when source.returned_at <= {{ status_as_of() }} then source.returned_at end
            as returned_at,
        case when source.retaken_at <= {{ status_as_of() }} then source.retaken_at end
            as retaken_at
    from source
    inner join closes on source.payout_window = closes.payout_window
    where source.frozen_at <= {{ status_as_of() }}

)

select * from standing
