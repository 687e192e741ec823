-- One row per seller with a failed line since their last completed one. What was sent back did not
-- arrive: it counts as failed.

with

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}
    where line_state in ('completed', 'failed', 'returned')

),

ranked as (

    select
        *,
        count(*) filter (where line_state = 'completed') over (
            partition by seller_id
            order by counts_from desc, line_id asc
            rows unbounded preceding
        ) as completed_since
    from lines

),

final as (

    select
        seller_id,
        count(*)::integer as consecutive_failures
    from ranked
    where completed_since = 0
    group by seller_id

)

select * from final
