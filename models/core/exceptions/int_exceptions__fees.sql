-- One row per fee that was rounded, and per order whose fee credits are above its fees. Both count.

with

fees as not materialized (

    select * from {{ ref('int_order_fees') }}

),

-- Few orders have any, and only theirs are summed.
credits as (

    select distinct
        seller_id,
        order_id
    from fees
    where amount_minor < 0

),

credited as (

    select
        fees.seller_id,
        fees.order_id,
        fees.order_id as source_id,
        'fee_credits_above_fees' as reason,
        -sum(fees.amount_minor)::bigint as amount_minor,
        false as is_without_effect,
        max(fees.known_at) as known_at
    from fees
    inner join credits on fees.seller_id = credits.seller_id and fees.order_id = credits.order_id
    group by fees.seller_id, fees.order_id
    having sum(fees.amount_minor) < 0

),

rounded as (

    select
        seller_id,
        order_id,
        fee_id as source_id,
        'rounded' as reason,
        amount_minor,
        false as is_without_effect,
        known_at
    from fees
    where is_rounded

),

final as (

    select * from credited

    union all

    select * from rounded

)

select * from final
