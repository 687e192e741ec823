-- Indexes but for the keys are built once over all rows, not row by row; see generate_index.
create temporary table generate_indexes on commit drop as
select
    i.indexrelid::regclass::text as index_name,
    pg_get_indexdef(i.indexrelid) as definition
from pg_index as i
inner join pg_class as c on i.indrelid = c.oid
where
    c.relnamespace = 'marketplace'::regnamespace
    and c.relname = any({tables})
    and not exists (
        select from pg_constraint as k
        where k.conindid = i.indexrelid
    );

do $$
declare
    dropped record;
begin
    for dropped in select * from pg_temp.generate_indexes loop
        execute format('drop index %s', dropped.index_name);
    end loop;
end;
$$
