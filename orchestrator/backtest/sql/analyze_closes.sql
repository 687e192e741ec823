analyze {staging}.stg_finance__window_closes;
analyze {staging}.stg_finance__window_close_rows;
analyze {staging}.stg_finance__payout_lines
