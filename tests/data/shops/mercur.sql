-- The columns that the mapping reads, in the types of Mercur 2 and Medusa 2; the rows are made up.
create table shop.seller (
    id text, name text, status text, metadata jsonb, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz
);
create table shop.seller_address (seller_id text, country_code text, deleted_at timestamptz);
create table shop."order" (
    id text, currency_code text, is_draft_order boolean, version integer, created_at timestamptz
);
create table shop.order_order_seller_seller (
    order_id text, seller_id text, deleted_at timestamptz
);
create table shop.order_group_order (
    order_group_id text, order_id text, deleted_at timestamptz
);
create table shop.order_summary (order_id text, version integer, totals jsonb);
create table shop.order_transaction (
    id text, order_id text, amount numeric, currency_code text, reference text,
    created_at timestamptz, deleted_at timestamptz
);
create table shop.order_item (id text, order_id text, item_id text, version integer);
create table shop.commission_line (
    id text, item_id text, code text, rate real, amount numeric, created_at timestamptz,
    deleted_at timestamptz
);
insert into shop.seller values
('slr_1', 'Forge', 'open', null, '2026-01-05Z', '2026-01-05Z', null),
('slr_2', 'Press', 'suspended', null, '2026-01-05Z', '2026-01-05Z', null);
insert into shop.seller_address values ('slr_1', 'de', null), ('slr_2', 'us', null);
insert into shop."order" values
('order_1', 'usd', false, 2, '2026-11-03 10:00Z'),
('order_2', 'usd', false, 1, '2026-11-03 10:00Z'),
('order_3', 'usd', false, 1, '2026-11-03 11:00Z');
insert into shop.order_order_seller_seller values
('order_1', 'slr_1', null), ('order_2', 'slr_2', null), ('order_3', 'slr_1', null);
insert into shop.order_group_order values ('og_1', 'order_1', null), ('og_1', 'order_2', null);
insert into shop.order_summary values
('order_1', 1, '{"original_order_total": 75.5, "current_order_total": 75.5}'),
('order_1', 2, '{"original_order_total": 75.5, "current_order_total": 60.5}'),
('order_2', 1, '{"original_order_total": 20}'),
('order_3', 1, '{"original_order_total": 99}');
insert into shop.order_transaction values
('tx_1', 'order_1', 75.5, 'usd', 'capture', '2026-11-03 10:05Z', null),
('tx_2', 'order_2', 20, 'usd', 'capture', '2026-11-03 10:05Z', null),
('tx_3', 'order_1', -15, 'usd', 'refund', '2026-11-05 10:00Z', null);
insert into shop.order_item values
('oi_1', 'order_1', 'item_1', 1), ('oi_2', 'order_1', 'item_1', 2), ('oi_3', 'order_2', 'item_2', 1);
insert into shop.commission_line values
('com_1', 'item_1', 'default', 10, 7.55, '2026-11-03 10:00Z', null),
('com_2', 'item_2', 'default', 10, 2, '2026-11-03 10:00Z', null);
