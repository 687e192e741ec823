-- The source tables, as the marketplace's backend fills them. No foreign keys and no checks on
-- amounts: a fact may arrive before its order, and a bad fact is shown, not lost. A fact is
-- identified by its seller and its id together.

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
    updated_at timestamptz not null,
    payout_schedule text not null default 'weekly'
    check (payout_schedule in ('weekly', 'monthly', 'paused')),
    -- The seller's own threshold, in the settlement currency.
    payout_minimum numeric check (payout_minimum >= 0 and payout_minimum < 'infinity')
);
create index sellers_wallet on marketplace.sellers (wallet_address);

-- landed_xid: the transaction that wrote the row. A build finds by it what was committed since the
-- latest close, however old the row says it is.

create table marketplace.orders (
    order_id text collate "C" not null,
    checkout_id text collate "C" not null,
    seller_id text collate "C" not null,
    currency text not null,
    gross_amount numeric not null,
    -- Settlement currency per unit of the order's; null in the settlement currency.
    exchange_rate numeric,
    ordered_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    landed_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (seller_id, order_id)
);
create index orders_ordered on marketplace.orders (ordered_at);
create index orders_known on marketplace.orders (greatest(ordered_at, recorded_at));

create table marketplace.order_fees (
    fee_id text collate "C" not null,
    order_id text collate "C" not null,
    seller_id text collate "C" not null,
    fee_type text not null,
    amount numeric not null,
    charged_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    landed_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (seller_id, fee_id)
);
create index order_fees_order on marketplace.order_fees (seller_id, order_id);
create index order_fees_known on marketplace.order_fees (greatest(charged_at, recorded_at));

create table marketplace.refunds (
    refund_id text collate "C" not null,
    order_id text collate "C" not null,
    seller_id text collate "C" not null,
    amount numeric not null,
    refunded_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    reason text not null,
    -- Null, or the refund that failed or was taken back.
    reverses_refund_id text collate "C",
    landed_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (seller_id, refund_id)
);
create index refunds_order on marketplace.refunds (seller_id, order_id);
create index refunds_known on marketplace.refunds (greatest(refunded_at, recorded_at));

create table marketplace.dispute_events (
    dispute_event_id text collate "C" not null,
    dispute_id text collate "C" not null,
    order_id text collate "C" not null,
    seller_id text collate "C" not null,
    event_type text not null,
    amount numeric,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    landed_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (seller_id, dispute_event_id)
);
create index dispute_events_order on marketplace.dispute_events (seller_id, order_id);
create index dispute_events_known
on marketplace.dispute_events (greatest(occurred_at, recorded_at));

create table marketplace.seller_charges (
    charge_id text collate "C" not null,
    seller_id text collate "C" not null,
    charge_type text not null,
    amount numeric not null,
    charged_at timestamptz not null,
    recorded_at timestamptz not null default public.settle_now(),
    note text,
    landed_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (seller_id, charge_id)
);
create index seller_charges_known
on marketplace.seller_charges (greatest(charged_at, recorded_at));

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'orders', 'order_fees', 'refunds', 'dispute_events', 'seller_charges'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on marketplace.%I'
            ' for each statement execute function finance.refuse_change()', table_name
        );
        -- Rows land in the order of their transactions, near enough: a range of blocks is enough.
        execute format(
            'create index %I on marketplace.%I using brin (landed_xid) with (autosummarize = on)',
            table_name || '_landed', table_name
        );
    end loop;
end;
$$;
