-- One row per dispute event that is valid in itself and yet has no effect.

with

unopened as (

    select
        events.seller_id,
        events.order_id,
        events.dispute_event_id as source_id,
        'outcome_without_opened' as reason,
        {{ settled('events.amount', 'events.cents_per_unit') }} as amount_minor,
        true as is_without_effect,
        events.known_at
    from {{ ref('int_dispute_events') }} as events
    left join {{ ref('int_disputes') }} as disputes
        on
            events.seller_id = disputes.seller_id
            and events.order_id = disputes.order_id
            and events.dispute_id = disputes.dispute_id
    where disputes.dispute_id is null

),

opened_again as (

    select
        seller_id,
        order_id,
        dispute_event_id as source_id,
        'opened_while_open' as reason,
        amount_minor,
        true as is_without_effect,
        known_at
    from {{ ref('int_dispute_claims') }}
    where not is_effective

),

final as (

    select * from unopened

    union all

    select * from opened_again

)

select * from final
