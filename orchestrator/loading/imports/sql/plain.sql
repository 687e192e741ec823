-- The values as `settle load` writes them, or behind a ! what is wrong with each.
analyze pg_temp.{staged};
create temporary table {plain} on commit drop as
select
    row_number,
    nullif(order_key, '') collate "C" as order_key,
    nullif(seller_key, '') collate "C" as seller_key,
    {values}
from pg_temp.{staged}
where fault is null;

insert into pg_temp.load_problems
select -1, row_number, 0, null, fault
from pg_temp.{staged}
where fault is not null
