-- The source tables, as the marketplace's backend fills them. No foreign keys and no checks on
-- amounts: a fact may arrive before its order, and a bad fact is shown, not lost.

create schema if not exists marketplace;

create table marketplace.sellers (
    seller_id text collate "C" primary key,
    display_name text not null,
    region text not null,
    fast_settlement boolean not null,
    wallet_address text not null,
    status text not null check (status in ('active', 'suspended', 'closed')),
    payouts_enabled boolean not null default true,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index sellers_wallet on marketplace.sellers (wallet_address);

create table marketplace.orders (
    order_id text collate "C" primary key,
    checkout_id text collate "C" not null,
    seller_id text collate "C" not null,
    currency text not null,
    gross_amount numeric not null,
    ordered_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now()
);
create index orders_seller on marketplace.orders (seller_id);
create index orders_ordered on marketplace.orders (ordered_at);
create index orders_known on marketplace.orders (greatest(ordered_at, recorded_at));

create table marketplace.order_fees (
    fee_id text collate "C" primary key,
    order_id text collate "C" not null,
    seller_id text collate "C" not null,
    fee_type text not null,
    amount numeric not null,
    charged_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now()
);
create index order_fees_order on marketplace.order_fees (order_id);
create index order_fees_known on marketplace.order_fees (greatest(charged_at, recorded_at));

create table marketplace.refunds (
    refund_id text collate "C" primary key,
    order_id text collate "C" not null,
    seller_id text collate "C" not null,
    amount numeric not null,
    refunded_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    reason text not null
);
create index refunds_order on marketplace.refunds (order_id);
create index refunds_known on marketplace.refunds (greatest(refunded_at, recorded_at));

create table marketplace.dispute_events (
    dispute_event_id text collate "C" primary key,
    dispute_id text collate "C" not null,
    order_id text collate "C" not null,
    seller_id text collate "C" not null,
    event_type text not null check (event_type in ('opened', 'won', 'lost')),
    amount numeric not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now()
);
create index dispute_events_order on marketplace.dispute_events (order_id);
create index dispute_events_dispute on marketplace.dispute_events (dispute_id);
create index dispute_events_known
on marketplace.dispute_events (greatest(occurred_at, recorded_at));

do $$
declare
    table_name text;
begin
    foreach table_name in array array['orders', 'order_fees', 'refunds', 'dispute_events'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on marketplace.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
    end loop;
end;
$$;
