with

events as (

    select * from {{ ref('stg_marketplace__dispute_events') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

final as (

    select
        events.dispute_event_id,
        events.dispute_id,
        events.order_id,
        events.seller_id,
        events.event_type,
        events.amount_minor,
        events.occurred_at,
        greatest(events.known_at, orders.known_at) as known_at
    from events
    inner join orders
        on
            events.order_id = orders.order_id
            and {{ opaque_to_planner('events.seller_id = orders.seller_id') }}
    where
        events.amount_minor > 0
        and events.event_type in ('opened', 'won', 'lost')
        and events.known_at <= {{ as_of() }}

)

select * from final
