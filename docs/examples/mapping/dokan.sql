-- WooCommerce with its order tables (HPOS) and Dokan, replicated from MySQL into schema shop. A
-- checkout over several vendors is a parent order with one child each. WooCommerce keeps instants
-- in GMT, without a zone. Wallet and region are user meta of the team's own.
create or replace view mapping.sellers as
with

vendors as (

    select
        user_id,
        max(meta_value) filter (where meta_key = 'payout_region') as payout_region,
        max(meta_value) filter (where meta_key = 'payout_wallet') as payout_wallet,
        bool_or(meta_value = 'yes') filter (where meta_key = 'dokan_enable_selling') as is_selling
    from shop.wp_usermeta
    where meta_key in ('payout_region', 'payout_wallet', 'dokan_enable_selling')
    group by user_id

)

select
    people.id::text as seller_id,
    people.display_name::text as display_name,
    coalesce(vendors.payout_region, '') as region,
    false as fast_settlement,
    coalesce(vendors.payout_wallet, '') as wallet_address,
    case when vendors.is_selling then 'active' else 'suspended' end as status,
    coalesce(vendors.is_selling, false) as payouts_enabled,
    people.user_registered at time zone 'UTC' as created_at,
    people.user_registered at time zone 'UTC' as updated_at,
    'weekly' as payout_schedule,
    null::numeric as payout_minimum
from shop.wp_users as people
inner join vendors on people.id = vendors.user_id;

-- Dokan has a row for each vendor's order, and none for the parent of a checkout.
create or replace view mapping.orders as
select
    orders.id::text as order_id,
    coalesce(nullif(orders.parent_order_id, 0), orders.id)::text as checkout_id,
    vendors.seller_id::text as seller_id,
    upper(orders.currency) as currency,
    round(orders.total_amount, 2) as gross_amount,
    null::numeric as exchange_rate,
    orders.date_created_gmt at time zone 'UTC' as ordered_at,
    orders.date_created_gmt at time zone 'UTC' as recorded_at
from shop.wp_wc_orders as orders
inner join shop.wp_dokan_orders as vendors on orders.id = vendors.order_id
where
    orders.type = 'shop_order'
    and orders.status in ('wc-processing', 'wc-completed', 'wc-refunded')
    and orders.total_amount > 0;

-- What the vendor did not earn of the order. wp_dokan_orders.net_amount shrinks with a refund; the
-- vendor's balance keeps what was earned at the sale.
create or replace view mapping.order_fees as
select
    'commission-' || orders.order_id as fee_id,
    orders.order_id,
    orders.seller_id,
    'commission' as fee_type,
    round(orders.gross_amount - balances.debit, 2) as amount,
    orders.ordered_at as charged_at,
    orders.recorded_at
from mapping.orders as orders
inner join shop.wp_dokan_vendor_balance as balances
    on
        orders.order_id = balances.trn_id::text
        and orders.seller_id = balances.vendor_id::text
        and balances.trn_type = 'dokan_orders'
where round(orders.gross_amount - balances.debit, 2) <> 0;

-- A refund is an order of its own type, below 0, whose parent is the vendor's order.
create or replace view mapping.refunds as
select
    refunds.id::text as refund_id,
    orders.order_id,
    orders.seller_id,
    round(-refunds.total_amount, 2) as amount,
    refunds.date_created_gmt at time zone 'UTC' as refunded_at,
    refunds.date_created_gmt at time zone 'UTC' as recorded_at,
    'refund' as reason,
    null::text as reverses_refund_id
from shop.wp_wc_orders as refunds
inner join mapping.orders as orders on refunds.parent_order_id::text = orders.order_id
where refunds.type = 'shop_order_refund' and refunds.total_amount < 0;
