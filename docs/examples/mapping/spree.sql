-- Spree 6 with sellers, as its migrations of 2026 have the tables. An order belongs to one seller;
-- a checkout over several is an order group. Rails keeps instants without a zone, in UTC. Where a
-- seller is paid Spree does not know: here the team keeps it in the seller's metadata.
create or replace view mapping.sellers as
select
    sellers.id::text as seller_id,
    sellers.name::text as display_name,
    sellers.metadata ->> 'payout_region' as region,
    false as fast_settlement,
    coalesce(sellers.metadata ->> 'payout_wallet', '') as wallet_address,
    case
        when sellers.deleted_at is not null then 'closed'
        when sellers.status = 'approved' then 'active'
        when sellers.status in ('suspended', 'rejected', 'canceled') then 'suspended'
        else 'active'
    end as status,
    sellers.status = 'approved' and sellers.payouts_enabled_at is not null as payouts_enabled,
    sellers.created_at at time zone 'UTC' as created_at,
    sellers.updated_at at time zone 'UTC' as updated_at,
    case sellers.payouts_schedule_interval
        when 'monthly' then 'monthly'
        when 'manual' then 'paused'
        else 'weekly'
    end as payout_schedule,
    sellers.minimum_payout_amount::numeric as payout_minimum
from shop.spree_sellers as sellers;

-- Completed and paid; a later cancellation is a refund, which is a fact of its own.
create or replace view mapping.orders as
select
    orders.number::text as order_id,
    coalesce(order_groups.number, orders.number)::text as checkout_id,
    orders.seller_id::text as seller_id,
    upper(orders.currency) as currency,
    orders.total::numeric as gross_amount,
    null::numeric as exchange_rate,
    orders.completed_at at time zone 'UTC' as ordered_at,
    orders.completed_at at time zone 'UTC' as recorded_at
from shop.spree_orders as orders
left join shop.spree_order_groups as order_groups on orders.order_group_id = order_groups.id
where
    orders.seller_id is not null
    and orders.completed_at is not null
    and orders.total > 0
    and orders.payment_status not in ('void', 'failed', 'balance_due');

-- Commission with its own tax; and the sale's tax, where the marketplace remits it.
create or replace view mapping.order_fees as
select
    'commission-' || charged.id as fee_id,
    orders.order_id,
    orders.seller_id,
    'commission' as fee_type,
    charged.total::numeric as amount,
    charged.created_at at time zone 'UTC' as charged_at,
    charged.created_at at time zone 'UTC' as recorded_at
from shop.spree_commission_lines as charged
inner join shop.spree_orders as placed on charged.order_id = placed.id
inner join mapping.orders as orders on placed.number = orders.order_id
union all
select
    'tax-' || placed.number as fee_id,
    orders.order_id,
    orders.seller_id,
    'tax' as fee_type,
    (placed.additional_tax_total + placed.included_tax_total)::numeric as amount,
    orders.ordered_at as charged_at,
    orders.recorded_at
from shop.spree_orders as placed
inner join mapping.orders as orders on placed.number = orders.order_id
inner join shop.spree_sellers as sellers on placed.seller_id = sellers.id
where
    sellers.tax_remittance = 'platform'
    and placed.additional_tax_total + placed.included_tax_total > 0;

create or replace view mapping.refunds as
select
    refunds.id::text as refund_id,
    orders.order_id,
    orders.seller_id,
    refunds.amount::numeric as amount,
    refunds.created_at at time zone 'UTC' as refunded_at,
    refunds.created_at at time zone 'UTC' as recorded_at,
    coalesce(reasons.name, 'refund')::text as reason,
    null::text as reverses_refund_id
from shop.spree_refunds as refunds
inner join shop.spree_orders as placed on refunds.order_id = placed.id
inner join mapping.orders as orders on placed.number = orders.order_id
left join shop.spree_refund_reasons as reasons on refunds.refund_reason_id = reasons.id;
