with

lines as not materialized (

    select * from {{ ref('int_payout_lines__as_of') }}

),

-- A line leaves the balance in the window after its own; what comes back, and what completes
-- after it had come back, in the window in which that was recorded.
final as (

    select
        seller_id,
        line_id,
        'paid_out' as move_type,
        -amount_minor as amount_minor,
        counts_from as moved_at
    from lines

    union all

    select
        seller_id,
        line_id,
        'came_back' as move_type,
        amount_minor,
        returned_at as moved_at
    from lines
    where returned_at is not null

    union all

    select
        seller_id,
        line_id,
        'completed_after_all' as move_type,
        -amount_minor as amount_minor,
        retaken_at as moved_at
    from lines
    where retaken_at is not null

)

select * from final
