-- A file as it came. Byte order everywhere: ids compare as the database does.
create temporary table {staged} (
    line_number bigint not null,
    -- Why a row could not be read; its columns are null then.
    fault text,
    {columns}
) on commit drop
