with

facts as (

    select * from {{ ref('int_exceptions__facts') }}

),

disputes as (

    select * from {{ ref('int_exceptions__disputes') }}

),

fees as (

    select * from {{ ref('int_order_fees') }}

),

fee_credits as (

    select
        order_id,
        seller_id,
        max(known_at) as known_at,
        -sum(amount_minor) as above_minor
    from fees
    group by order_id, seller_id
    having sum(amount_minor) < 0

),

claims as (

    select * from {{ ref('int_claims') }}
    where claimed_minor <> effective_minor

),

contradictions as (

    select * from {{ ref('int_close_contradictions') }}

),

final as (

    select
        source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        null as payout_window,
        null::numeric(18, 2) as amount,
        known_at
    from facts

    union all

    select
        'dispute_events' as source_table,
        source_id::text as source_id,
        seller_id::text as seller_id,
        reason,
        null as payout_window,
        null::numeric(18, 2) as amount,
        known_at
    from disputes

    union all

    select
        'order_fees' as source_table,
        order_id::text as source_id,
        seller_id::text as seller_id,
        'fee_credits_above_fees' as reason,
        null as payout_window,
        {{ money('above_minor') }} as amount,
        known_at
    from fee_credits

    union all

    select
        case claim_type when 'refund' then 'refunds' else 'dispute_events' end as source_table,
        claim_id::text as source_id,
        seller_id::text as seller_id,
        'claim_above_gross' as reason,
        null as payout_window,
        {{ money('claimed_minor - effective_minor') }} as amount,
        known_at
    from claims

    union all

    select
        'window_close_rows' as source_table,
        payout_window || '/' || seller_id as source_id,
        seller_id::text as seller_id,
        'contradicted_close' as reason,
        payout_window,
        {{ money('computed_minor - stored_minor') }} as amount,
        null as known_at
    from contradictions

)

select * from final
