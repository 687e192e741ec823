-- Leaves nothing behind in a connection that goes on. Citus drops no view of pg_temp elsewhere.
set local citus.enable_ddl_propagation = off;
drop {kind} pg_temp.generated_order_fees;
drop function pg_temp.generate_hash(text, bigint);
drop function pg_temp.generate_draw(bytea, integer, bigint);
drop function pg_temp.generate_later(timestamptz, bigint);
drop function pg_temp.generate_recorded_at(timestamptz, bigint);
drop table pg_temp.generate_arguments;
drop table pg_temp.generated_wallets;
drop table pg_temp.generated_sellers;
drop table pg_temp.generated_orders;
drop table pg_temp.generated_refunds;
drop table pg_temp.generated_dispute_events;
drop table pg_temp.generated_seller_charges;
drop table pg_temp.generated_currencies;
drop table pg_temp.generated_rates;
drop table pg_temp.late_sellers;
drop table pg_temp.late_orders;
drop table pg_temp.late_order_fees;
drop table pg_temp.late_refunds;
drop table pg_temp.late_dispute_events;
drop table pg_temp.late_seller_charges;

-- So that the first build is planned well.
analyze marketplace.sellers;
analyze marketplace.orders;
analyze marketplace.order_fees;
analyze marketplace.refunds;
analyze marketplace.dispute_events;
analyze marketplace.seller_charges;
