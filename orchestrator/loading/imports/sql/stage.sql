-- A report's records of one kind, as they came. A row's number says file and line.
create temporary table {staged} (
    row_number bigint not null,
    fault text,
    order_key text,
    seller_key text,
    {columns}
) on commit drop
