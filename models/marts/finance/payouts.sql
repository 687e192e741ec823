with

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

batches as (

    select * from {{ ref('stg_finance__payout_batches') }}

),

-- Each completed line starts a new streak; failures count along it, and nothing else does.
streaks as (

    select
        *,
        count(*) filter (where line_state = 'completed') over (
            partition by seller_id
            order by counts_from, frozen_at, line_id
            rows unbounded preceding
        ) as streak
    from lines

),

counted as (

    select
        *,
        count(*) filter (where line_state in ('failed', 'returned')) over (
            partition by seller_id, streak
            order by counts_from, frozen_at, line_id
            rows unbounded preceding
        ) as failures_so_far
    from streaks

),

final as (

    select
        counted.line_id,
        counted.payout_window,
        batches.batch_id,
        batches.run,
        batches.attempt,
        counted.seller_id::text as seller_id,
        {{ money('counted.amount_minor') }} as amount,
        counted.rail,
        counted.rail_currency,
        counted.wallet_address::text as wallet_address,
        case counted.line_state when 'completed' then 'paid' else counted.line_state end as status,
        counted.returned_at is not null and counted.retaken_at is null as is_returned,
        counted.rail_status,
        counted.payout_id,
        counted.tx_hash,
        counted.network_fee::numeric(18, 6) as network_fee,
        counted.fee_amount::numeric(18, 6) as fee_amount,
        (counted.network_fee + counted.fee_amount)::numeric(18, 6) as rail_fee,
        counted.failure_code,
        counted.failure_reason,
        case
            when counted.line_state in ('failed', 'returned') then counted.failures_so_far
            else 0
        end::integer as consecutive_failures,
        counted.frozen_at,
        counted.outcome_at,
        counted.returned_at,
        counted.retaken_at
    from counted
    inner join batches on counted.batch_id = batches.batch_id

)

select * from final
