-- The rows without a fault, in their types.
create temporary table {typed} on commit drop as
select
    row_number,
    row_number / {lines_per_file} as file_number,
    order_key,
    seller_key,
    {values}
from pg_temp.{plain};
analyze pg_temp.{typed}
