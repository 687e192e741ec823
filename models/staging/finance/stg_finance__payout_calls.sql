with

source as (

    select * from {{ source('finance', 'payout_calls') }}

),

-- A call has no instant of its own; its last try has, and a word of people who asked the rail.
answered as (

    select
        source.batch_id,
        source.sequence,
        greatest(
            (
                select max(attempts.ended_at)
                from {{ source('finance', 'call_attempts') }} as attempts
                where
                    attempts.batch_id = source.batch_id
                    and attempts.sequence = source.sequence
            ),
            (
                select max(rejections.declared_at)
                from {{ source('finance', 'batch_rejections') }} as rejections
                where rejections.batch_id = source.batch_id and source.state = 'rejected'
            )
        ) as answered_at
    from source

),

standing as (

    select
        -- ids
        source.batch_id,
        source.sequence as call_sequence,

        -- text
        case
            when answered.answered_at <= {{ status_as_of() }} then source.state
            else 'unknown'
        end as call_state

    from source
    inner join answered
        on source.batch_id = answered.batch_id and source.sequence = answered.sequence

)

select * from standing
