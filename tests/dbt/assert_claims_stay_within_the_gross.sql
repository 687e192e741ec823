-- Fails if at any instant the refunds and disputes of an order took more than its gross, or less
-- than nothing.

with

claims as (

    select * from {{ ref('int_claims') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

-- The default frame ends with the last claim known at the same instant.
taken as (

    select
        seller_id,
        order_id,
        known_at,
        sum(effective_minor) over (
            partition by seller_id, order_id order by known_at
        ) as taken_minor
    from claims

)

select
    taken.seller_id,
    taken.order_id,
    taken.known_at,
    taken.taken_minor,
    orders.gross_minor
from taken
inner join orders
    on taken.seller_id = orders.seller_id and taken.order_id = orders.order_id
where taken.taken_minor < 0 or taken.taken_minor > orders.gross_minor
