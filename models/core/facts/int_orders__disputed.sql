-- One row per order with a dispute that has no outcome. It counts until it has one, however old its
-- order is; a bad outcome is none.

with

events as not materialized (

    select * from {{ ref('stg_marketplace__dispute_events') }}

),

orders as not materialized (

    select * from {{ ref('int_orders__judged') }}

),

outcomes as not materialized (

    select
        events.seller_id,
        events.order_id,
        events.dispute_id
    from events
    inner join orders
        on events.seller_id = orders.seller_id and events.order_id = orders.order_id
    where
        events.event_type <> 'opened'
        and events.known_at <= {{ as_of() }}
        and {{ claim_defect('events.amount', 'orders.decimals', 'events.event_type') }} is null

),

final as (

    select distinct
        opened.seller_id,
        opened.order_id
    from events as opened
    where
        opened.event_type = 'opened'
        and not exists (
            select 1 from outcomes
            where
                outcomes.seller_id = opened.seller_id
                and outcomes.order_id = opened.order_id
                and outcomes.dispute_id = opened.dispute_id
        )

)

select * from final
