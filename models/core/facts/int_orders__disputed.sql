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

    select * from events
    where event_type <> 'opened' and {{ opaque_to_planner('known_at <= ' ~ as_of()) }}

),

-- Each looks its order up: a join would read all orders there ever were.
judged as not materialized (

    select
        outcomes.seller_id,
        outcomes.order_id,
        outcomes.dispute_id,
        {{ defect_of('outcomes', claim_defect(
            'outcomes.amount', 'orders.decimals', 'orders.cents_per_unit', 'outcomes.event_type'
        )) }} as defect
    from outcomes
    {{ looked_up('orders', of='outcomes', among='orders') }}

),

final as (

    select distinct
        opened.seller_id,
        opened.order_id
    from events as opened
    where
        opened.event_type = 'opened'
        and not exists (
            select 1 from judged
            where
                judged.seller_id = opened.seller_id
                and judged.order_id = opened.order_id
                and judged.dispute_id = opened.dispute_id
                and {{ opaque_to_planner('judged.defect is null') }}
        )

)

select * from final
