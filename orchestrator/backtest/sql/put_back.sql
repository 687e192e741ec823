insert into {staging}.stg_finance__payout_lines
select * from {staging}.earlier_lines
