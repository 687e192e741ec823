-- Fails if the orders in reserve do not add up to their seller's pending balance, or one is shown
-- after its dispute window closed.

with

held as (

    select
        seller_id,
        sum(held_amount) as held_amount,
        min(dispute_window_closes_at) as next_closes_at
    from {{ ref('order_reserve') }}
    group by seller_id

),

reserve as (

    select * from {{ ref('seller_reserve') }}

)

select
    coalesce(held.seller_id, reserve.seller_id) as seller_id,
    held.held_amount,
    reserve.pending_balance,
    held.next_closes_at,
    reserve.next_release_at
from held
full outer join reserve on held.seller_id = reserve.seller_id
where
    coalesce(held.held_amount, 0) is distinct from coalesce(reserve.pending_balance, 0)
    or held.next_closes_at is distinct from reserve.next_release_at
