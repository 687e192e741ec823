{{ config(materialized='table') }}

-- One row per refund and reversal of one with an effect: what it claims, in the order's currency.

with

paired as not materialized (

    select * from {{ ref('int_refunds__paired') }}

),

refunds as not materialized (

    select * from paired
    where reverses_refund_id is null

),

-- A reversal is known no earlier than what it reverses: a refund of the same order, no reversal.
reversals as (

    select
        paired.*,
        refunds.amount as refunded_amount,
        -- What waited for its refund did not come late.
        case
            when refunds.posted_at is not null or refunds.known_at < paired.posted_at
                then paired.posted_at
        end as reversal_posted_at,
        greatest(paired.known_at, refunds.known_at) as reversal_known_at,
        paired.is_settled_elsewhere and refunds.is_settled_elsewhere
            as is_reversal_settled_elsewhere
    from paired
    inner join refunds
        on
            paired.seller_id = refunds.seller_id
            and paired.order_id = refunds.order_id
            and paired.reverses_refund_id = refunds.refund_id

),

-- At most what earlier reversals left of the refund.
reversed as (

    select
        *,
        sum(amount) over (
            partition by seller_id, order_id, reverses_refund_id
            order by reversal_known_at, refunded_at, refund_id
            rows unbounded preceding
        ) as reversed_amount
    from reversals

),

claims as (

    select
        seller_id,
        refund_id,
        order_id,
        false as is_reversal,
        amount,
        amount as claimed_amount,
        cents_per_unit,
        refunded_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from refunds

    union all

    select
        seller_id,
        refund_id,
        order_id,
        true as is_reversal,
        amount,
        least(reversed_amount - amount, refunded_amount) - least(reversed_amount, refunded_amount)
            as claimed_amount,
        cents_per_unit,
        refunded_at,
        reversal_known_at as known_at,
        reversal_posted_at as posted_at,
        release_at,
        is_reversal_settled_elsewhere as is_settled_elsewhere
    from reversed

),

final as (

    select
        seller_id,
        refund_id,
        order_id,
        is_reversal,
        amount,
        claimed_amount,
        {{ settled('claimed_amount', 'cents_per_unit') }} as claimed_minor,
        {{ settled('amount - abs(claimed_amount)', 'cents_per_unit') }} as cut_off_minor,
        refunded_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from claims
    where known_at <= {{ as_of() }}

)

select * from final
