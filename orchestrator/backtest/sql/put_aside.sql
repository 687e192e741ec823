-- Lines of earlier windows are in no balance any more, and none of them failed.
insert into {staging}.earlier_lines
select * from {staging}.stg_finance__payout_lines;
truncate {staging}.stg_finance__payout_lines
