with

calls as (

    select * from {{ ref('stg_finance__payout_calls') }}

),

-- A call has no instant of its own; its last attempt has, and so has the word of people who asked
-- the rail.
answered as (

    select
        calls.batch_id,
        calls.call_sequence,
        calls.call_state,
        greatest(
            (
                select max(attempts.ended_at)
                from {{ ref('stg_finance__call_attempts') }} as attempts
                where
                    attempts.batch_id = calls.batch_id
                    and attempts.call_sequence = calls.call_sequence
            ),
            (
                select max(rejections.declared_at)
                from {{ ref('stg_finance__batch_rejections') }} as rejections
                where rejections.batch_id = calls.batch_id and calls.call_state = 'rejected'
            )
        ) as answered_at
    from calls

),

final as (

    select
        batch_id,
        call_sequence,
        case when answered_at <= {{ status_as_of() }} then call_state else 'unknown' end
            as call_state
    from answered

)

select * from final
