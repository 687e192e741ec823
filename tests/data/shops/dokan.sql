-- The columns that the mapping reads, in the types that a replica of MySQL has; the rows are made up.
create table shop.wp_users (id bigint, display_name varchar, user_registered timestamp);
create table shop.wp_usermeta (umeta_id bigint, user_id bigint, meta_key varchar, meta_value text);
create table shop.wp_wc_orders (
    id bigint, status varchar, currency varchar, type varchar, tax_amount numeric(26, 8),
    total_amount numeric(26, 8), parent_order_id bigint, date_created_gmt timestamp
);
create table shop.wp_dokan_orders (
    id bigint, order_id bigint, seller_id bigint, order_total numeric(19, 4),
    net_amount numeric(19, 4), order_status varchar
);
create table shop.wp_dokan_vendor_balance (
    id bigint, vendor_id bigint, trn_id bigint, trn_type varchar, debit numeric(19, 4),
    credit numeric(19, 4), status varchar, trn_date timestamp
);
insert into shop.wp_users values
(7, 'Quill', '2026-01-05'), (8, 'Anvil', '2026-01-05'), (9, 'A buyer', '2026-01-05');
insert into shop.wp_usermeta values
(1, 7, 'dokan_enable_selling', 'yes'), (2, 7, 'payout_region', 'APAC'),
(3, 8, 'dokan_enable_selling', 'no'), (4, 8, 'payout_region', 'EU'), (5, 9, 'nickname', 'buyer');
insert into shop.wp_wc_orders values
(900, 'wc-completed', 'USD', 'shop_order', 0, 150.00000000, 0, '2026-11-04 10:00'),
(901, 'wc-completed', 'USD', 'shop_order', 0, 100.00000000, 900, '2026-11-04 10:00'),
(902, 'wc-completed', 'USD', 'shop_order', 0, 50.00000000, 900, '2026-11-04 10:00'),
(903, 'wc-cancelled', 'USD', 'shop_order', 0, 10.00000000, 0, '2026-11-04 11:00'),
(904, 'wc-completed', 'USD', 'shop_order_refund', 0, -25.00000000, 901, '2026-11-06 10:00');
insert into shop.wp_dokan_orders values
(1, 901, 7, 100.0000, 67.5000, 'wc-completed'), (2, 902, 8, 50.0000, 45.0000, 'wc-completed'),
(3, 903, 7, 10.0000, 9.0000, 'wc-cancelled');
insert into shop.wp_dokan_vendor_balance values
(1, 7, 901, 'dokan_orders', 90.0000, 0, 'wc-completed', '2026-11-04 10:00'),
(2, 8, 902, 'dokan_orders', 45.0000, 0, 'wc-completed', '2026-11-04 10:00'),
(3, 7, 901, 'dokan_refund', 0, 22.5000, 'approved', '2026-11-06 10:00');
