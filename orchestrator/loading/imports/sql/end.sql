-- Leaves nothing behind in a connection that goes on; a refusal rolls all back.
drop function pg_temp.import_amount(text, text);
drop function pg_temp.import_other_amount(text, text);
drop function pg_temp.import_instant(text, text, text);
drop function pg_temp.import_other_instant(text, text, text);
drop function pg_temp.import_zoned(timestamp, text);
drop function pg_temp.import_major(numeric, text);
drop table pg_temp.import_row_types;
drop table pg_temp.import_sellers;
drop table pg_temp.import_currencies;
drop table pg_temp.import_parts;
drop table pg_temp.import_totals;
drop table pg_temp.import_order_sellers;
drop table pg_temp.import_rows_staged;
drop table pg_temp.import_rows_plain;
drop table pg_temp.import_rows;
drop table if exists pg_temp.import_totals_rows_staged;
drop table if exists pg_temp.import_totals_rows_plain;
drop table if exists pg_temp.import_totals_rows;
