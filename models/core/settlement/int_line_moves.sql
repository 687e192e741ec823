with

closes as (

    select * from {{ ref('stg_finance__window_closes') }}

),

-- As they were at the instant this schema shows. Each kind of move is found by an index of its own.
lines as not materialized (

    select * from {{ ref('stg_finance__payout_lines') }}
    where frozen_at <= {{ status_as_of() }}

),

-- A line leaves the balance in the window after its own; what comes back, and what completes
-- after it had come back, in the window in which that was recorded.
final as (

    select
        lines.seller_id,
        lines.line_id,
        'paid_out' as move_type,
        -lines.amount_minor as amount_minor,
        closes.window_ends_at as moved_at
    from lines
    inner join closes on lines.payout_window = closes.payout_window

    union all

    select
        seller_id,
        line_id,
        'came_back' as move_type,
        amount_minor,
        returned_at as moved_at
    from lines
    where returned_at <= {{ status_as_of() }}

    union all

    select
        seller_id,
        line_id,
        'completed_after_all' as move_type,
        -amount_minor as amount_minor,
        retaken_at as moved_at
    from lines
    where retaken_at <= {{ status_as_of() }}

)

select * from final
