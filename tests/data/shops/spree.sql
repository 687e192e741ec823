-- The columns that the mapping reads, in the types that Spree 6 gives them; the rows are made up.
create table shop.spree_sellers (
    id bigint, name varchar, status varchar, payouts_schedule_interval varchar,
    minimum_payout_amount numeric(10, 2), tax_remittance varchar default 'seller', metadata jsonb,
    created_at timestamp, updated_at timestamp, deleted_at timestamp, payouts_enabled_at timestamp
);
create table shop.spree_order_groups (id bigint, number varchar);
create table shop.spree_orders (
    id bigint, number varchar, seller_id bigint, order_group_id bigint, currency varchar,
    total numeric(10, 2), additional_tax_total numeric(10, 2) default 0,
    included_tax_total numeric(10, 2) default 0, payment_status varchar, completed_at timestamp
);
create table shop.spree_commission_lines (
    id bigint, order_id bigint, seller_id bigint, amount numeric(10, 2), tax_amount numeric(10, 2),
    total numeric(10, 2), created_at timestamp
);
create table shop.spree_refund_reasons (id bigint, name varchar);
create table shop.spree_refunds (
    id bigint, order_id bigint, amount numeric(10, 2), refund_reason_id bigint, created_at timestamp
);
insert into shop.spree_sellers values
(101, 'Kiln', 'approved', null, null, 'platform', '{"payout_region": "EU"}',
    '2026-01-05', '2026-01-05', null, '2026-01-06'),
(102, 'Loom', 'approved', 'monthly', 50, 'seller', '{"payout_region": "NA"}',
    '2026-01-05', '2026-01-05', null, null);
insert into shop.spree_order_groups values (1, 'G1');
insert into shop.spree_orders values
(1, 'R1', 101, 1, 'usd', 120.00, 20.00, 0, 'paid', '2026-11-02 10:00'),
(2, 'R2', 102, 1, 'usd', 80.00, 0, 0, 'paid', '2026-11-02 10:00'),
(3, 'R3', 101, null, 'usd', 40.00, 0, 0, 'balance_due', null);
insert into shop.spree_commission_lines values
(1, 1, 101, 10.00, 2.00, 12.00, '2026-11-02 10:00'),
(2, 2, 102, 8.00, 0, 8.00, '2026-11-02 10:00');
insert into shop.spree_refund_reasons values (1, 'Damaged');
insert into shop.spree_refunds values (1, 1, 30.00, 1, '2026-11-04 09:00');
