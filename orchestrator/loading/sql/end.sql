-- Leaves nothing behind in a connection that goes on; a refusal rolls all back.
drop function pg_temp.load_shown(text);
drop function pg_temp.load_line(bigint);
drop function pg_temp.load_name_fault(text);
drop function pg_temp.load_amount_fault(text);
drop function pg_temp.load_instant_fault(text);
drop function pg_temp.load_flag_fault(text);
drop function pg_temp.load_differences(jsonb, jsonb);
drop table pg_temp.load_problems;
drop table if exists pg_temp.load_sellers_staged;
drop table if exists pg_temp.load_sellers_typed;
drop table if exists pg_temp.load_sellers_kept;
drop table if exists pg_temp.load_orders_staged;
drop table if exists pg_temp.load_orders_typed;
drop table if exists pg_temp.load_orders_kept;
drop table if exists pg_temp.load_order_fees_staged;
drop table if exists pg_temp.load_order_fees_typed;
drop table if exists pg_temp.load_order_fees_kept;
drop table if exists pg_temp.load_refunds_staged;
drop table if exists pg_temp.load_refunds_typed;
drop table if exists pg_temp.load_refunds_kept;
drop table if exists pg_temp.load_dispute_events_staged;
drop table if exists pg_temp.load_dispute_events_typed;
drop table if exists pg_temp.load_dispute_events_kept;
drop table if exists pg_temp.load_seller_charges_staged;
drop table if exists pg_temp.load_seller_charges_typed;
drop table if exists pg_temp.load_seller_charges_kept;

-- So that the first build after a big load is planned well.
analyze marketplace.sellers;
analyze marketplace.orders;
analyze marketplace.order_fees;
analyze marketplace.refunds;
analyze marketplace.dispute_events;
analyze marketplace.seller_charges;
