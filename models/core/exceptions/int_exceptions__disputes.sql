-- One row per dispute event that is valid in itself and yet has no effect.

with

events as materialized (

    select * from {{ ref('int_dispute_events') }}

),

disputes as materialized (

    select * from {{ ref('int_disputes') }}

),

judged as (

    select
        events.dispute_event_id as source_id,
        events.order_id,
        events.seller_id,
        events.known_at,
        case
            when
                events.event_type = 'opened' and events.dispute_event_id <> disputes.opened_event_id
                then 'second_opened'
            when events.event_type = 'opened' then null
            when disputes.dispute_id is null then 'outcome_without_opened'
            when events.order_id <> disputes.order_id then 'outcome_of_other_order'
            when events.dispute_event_id <> disputes.outcome_event_id then 'second_outcome'
        end as reason
    from events
    left join disputes on events.dispute_id = disputes.dispute_id

),

final as (

    select * from judged
    where reason is not null

)

select * from final
