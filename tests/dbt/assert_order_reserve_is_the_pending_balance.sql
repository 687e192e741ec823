-- Fails if the orders in reserve do not add up to their seller's pending balance, if one is shown
-- after all of it was released, or if the next release is at no instant that an order shows.

with

held as (

    select
        seller_id,
        sum(held_amount) as held_amount,
        min(greatest(dispute_window_closes_at, held_back_until)) as first_ends_at,
        array_agg(dispute_window_closes_at) || array_agg(held_back_until) as release_instants
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
    held.first_ends_at,
    reserve.next_release_at
from held
full outer join reserve on held.seller_id = reserve.seller_id
where
    coalesce(held.held_amount, 0) is distinct from coalesce(reserve.pending_balance, 0)
    or (held.seller_id is null) <> (reserve.next_release_at is null)
    or reserve.next_release_at <> all(array_remove(held.release_instants, null))
    or held.first_ends_at < reserve.next_release_at
