-- One row per order with a dispute that has no outcome. It counts until it has one, however old its
-- order is.

with

events as not materialized (

    select * from {{ ref('stg_marketplace__dispute_events') }}

),

final as (

    select distinct
        opened.seller_id,
        opened.order_id
    from events as opened
    where
        opened.event_type = 'opened'
        and not exists (
            select 1 from events as outcome
            where
                outcome.seller_id = opened.seller_id
                and outcome.order_id = opened.order_id
                and outcome.dispute_id = opened.dispute_id
                and outcome.event_type <> 'opened'
        )

)

select * from final
