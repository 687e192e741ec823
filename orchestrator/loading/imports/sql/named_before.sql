-- The orders of a file that was imported before under other names would be there twice.
insert into pg_temp.load_problems
select
    -1,
    %(row_number)s,
    0,
    null,
    'was imported on ' || to_char(min(imports.imported_at) at time zone 'UTC', 'YYYY-MM-DD')
    || ' with ' || coalesce('--order-from ' || min(imports.options ->> 'order_from'), 'no --order-from')
    || ', and its orders would count twice under other ids; say the same again'
from finance.imports as imports
where
    imports.file_sha256 = %(sha256)s
    and not imports.options -> 'without' ? 'orders'
    and not %(options)s::jsonb -> 'without' ? 'orders'
    and imports.options ->> 'order_from' is distinct from %(options)s::jsonb ->> 'order_from'
having count(*) > 0
