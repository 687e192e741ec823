{{ config(materialized='table', indexes=[{'columns': ['seller_id', 'order_id']}]) }}

-- One row per event of a dispute: how far it moves what the seller bears of the dispute, in the
-- order's currency. An event sets that anew, so the last word counts; one that opens what is open
-- has no effect.

with

events as (

    select * from {{ ref('int_dispute_events__counted') }}

),

-- Every event up to the next opening is about the amount that was opened last.
rounds as (

    select
        *,
        count(*) filter (where event_type = 'opened' and is_effective) over (
            partition by seller_id, order_id, dispute_id
            order by counted_known_at, counted_at, event_rank, dispute_event_id
            rows unbounded preceding
        ) as opening
    from events

),

opened as (

    select
        *,
        first_value(amount) over (
            partition by seller_id, order_id, dispute_id, opening
            order by counted_known_at, counted_at, event_rank, dispute_event_id
        ) as opened_amount
    from rounds

),

borne as (

    select
        *,
        case
            when not is_effective or not is_in_time then 0
            when event_type = 'opened' then opened_amount
            when event_type = 'won' then greatest(opened_amount - amount, 0)
            when event_type = 'lost' then least(opened_amount, amount)
            else 0
        end as borne_amount
    from opened

),

final as (

    select
        seller_id,
        order_id,
        dispute_id,
        dispute_event_id,
        event_type,
        is_effective,
        is_in_time,
        amount,
        {{ settled('amount', 'cents_per_unit') }} as amount_minor,
        case
            when is_effective
                then borne_amount - lag(borne_amount, 1, 0::numeric) over (
                    partition by seller_id, order_id, dispute_id, is_effective
                    order by counted_known_at, counted_at, event_rank, dispute_event_id
                )
            else 0
        end as claimed_amount,
        withdrawn_known_at,
        counted_at as occurred_at,
        counted_known_at as known_at,
        counted_posted_at as posted_at,
        release_at,
        is_counted_elsewhere as is_settled_elsewhere
    from borne

)

select * from final
