create index on {staging}.stg_finance__window_close_rows (payout_window, seller_id);
create unlogged table {staging}.earlier_lines as
select * from {staging}.stg_finance__payout_lines
