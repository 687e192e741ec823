with

reserve as (

    select * from {{ ref('int_seller_reserve') }}

),

line_moves as (

    select
        reserve.seller_id,
        sum(moves.amount_minor)::bigint as moved_minor
    from {{ ref('int_line_moves') }} as moves
    inner join reserve
        on moves.seller_id = reserve.seller_id and moves.moved_at >= reserve.stored_until
    group by reserve.seller_id

),

lines as (

    select
        seller_id,
        coalesce(sum(amount_minor) filter (where line_state = 'completed'), 0)::bigint
            as paid_out_minor,
        coalesce(sum(amount_minor) filter (
            where line_state in ('frozen', 'submitted', 'failed') and returned_at is null
        ), 0)::bigint as in_transit_minor
    from {{ ref('int_payout_lines__as_of') }}
    group by seller_id

),

last_failures as (

    select distinct on (seller_id)
        seller_id,
        failure_reason,
        case line_state when 'returned' then returned_at else outcome_at end as failed_at
    from {{ ref('int_payout_lines__as_of') }}
    where line_state in ('failed', 'returned')
    order by seller_id asc, failed_at desc, line_id asc

),

failures as (

    select * from {{ ref('int_failures_in_a_row') }}

),

final as (

    select
        reserve.seller_id::text as seller_id,
        {{ money('reserve.pending_minor') }} as pending_balance,
        {{ money('reserve.available_minor + coalesce(line_moves.moved_minor, 0)') }}
            as available_balance,
        {{ money('coalesce(lines.in_transit_minor, 0)') }} as in_transit,
        {{ money('coalesce(lines.paid_out_minor, 0)') }} as paid_out,
        {{ money('reserve.disputed_minor') }} as disputed_amount,
        reserve.next_release_at,
        {{ money('reserve.next_release_minor') }} as next_release_amount,
        last_failures.failure_reason as last_failure_reason,
        last_failures.failed_at as last_failure_at,
        coalesce(failures.consecutive_failures, 0) as consecutive_failures
    from reserve
    left join line_moves on reserve.seller_id = line_moves.seller_id
    left join lines on reserve.seller_id = lines.seller_id
    left join last_failures on reserve.seller_id = last_failures.seller_id
    left join failures on reserve.seller_id = failures.seller_id

)

select * from final
