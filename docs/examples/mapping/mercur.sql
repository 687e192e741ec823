-- Mercur 2 on Medusa 2, as their migrations of 2026 have the tables. An order is linked to one
-- seller; a checkout over several is an order group. Amounts are whole units. Where a seller is
-- paid Mercur does not know: here the team keeps it in the seller's metadata.
create or replace view mapping.sellers as
select
    sellers.id as seller_id,
    sellers.name as display_name,
    case
        when addresses.country_code in ('us', 'ca') then 'NA'
        when addresses.country_code in ('jp', 'sg', 'au', 'in') then 'APAC'
        else 'EU'
    end as region,
    false as fast_settlement,
    coalesce(sellers.metadata ->> 'payout_wallet', '') as wallet_address,
    case
        when sellers.deleted_at is not null or sellers.status = 'terminated' then 'closed'
        when sellers.status = 'suspended' then 'suspended'
        else 'active'
    end as status,
    sellers.status = 'open' as payouts_enabled,
    sellers.created_at,
    sellers.updated_at,
    'weekly' as payout_schedule,
    null::numeric as payout_minimum
from shop.seller as sellers
left join shop.seller_address as addresses
    on sellers.id = addresses.seller_id and addresses.deleted_at is null;

-- From its first capture on; its total as it was placed, as later changes are facts of their own.
create or replace view mapping.orders as
with

captures as (

    select
        order_id,
        min(created_at) as first_captured_at
    from shop.order_transaction
    where reference = 'capture' and deleted_at is null
    group by order_id

)

select
    orders.id as order_id,
    coalesce(checkouts.order_group_id, orders.id) as checkout_id,
    sellers.seller_id,
    upper(orders.currency_code) as currency,
    (summaries.totals ->> 'original_order_total')::numeric as gross_amount,
    null::numeric as exchange_rate,
    orders.created_at as ordered_at,
    captures.first_captured_at as recorded_at
from shop."order" as orders
inner join shop.order_order_seller_seller as sellers
    on orders.id = sellers.order_id and sellers.deleted_at is null
inner join shop.order_summary as summaries
    on orders.id = summaries.order_id and summaries.version = 1
inner join captures on orders.id = captures.order_id
left join shop.order_group_order as checkouts
    on orders.id = checkouts.order_id and checkouts.deleted_at is null
where not orders.is_draft_order;

create or replace view mapping.order_fees as
select
    charged.id as fee_id,
    orders.order_id,
    orders.seller_id,
    'commission' as fee_type,
    charged.amount,
    orders.ordered_at as charged_at,
    charged.created_at as recorded_at
from shop.commission_line as charged
inner join shop.order_item as items on charged.item_id = items.item_id and items.version = 1
inner join mapping.orders as orders on items.order_id = orders.order_id
where charged.deleted_at is null;

-- Medusa books what goes back as transactions below 0.
create or replace view mapping.refunds as
select
    moved.id as refund_id,
    orders.order_id,
    orders.seller_id,
    -moved.amount as amount,
    moved.created_at as refunded_at,
    moved.created_at as recorded_at,
    'refund' as reason,
    null::text as reverses_refund_id
from shop.order_transaction as moved
inner join mapping.orders as orders on moved.order_id = orders.order_id
where moved.reference = 'refund' and moved.deleted_at is null;
