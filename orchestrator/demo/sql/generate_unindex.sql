-- Indexes and the keys of facts are built once over all rows, not row by row; see generate_index.
create temporary table generate_indexes on commit drop as
select
    format('drop index %s', i.indexrelid::regclass) as removal,
    pg_get_indexdef(i.indexrelid) as definition
from pg_index as i
inner join pg_class as c on i.indrelid = c.oid
where
    c.relnamespace = 'marketplace'::regnamespace
    and c.relname = any({tables})
    and not exists (
        select from pg_constraint as k
        where k.conindid = i.indexrelid
    )
union all
select
    format('alter table %s drop constraint %I', k.conrelid::regclass, k.conname) as removal,
    format(
        'alter table %s add constraint %I %s',
        k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)
    ) as definition
from pg_constraint as k
inner join pg_class as c on k.conrelid = c.oid
where
    c.relnamespace = 'marketplace'::regnamespace
    and c.relname = any({tables})
    and k.contype = 'p';

do $$
declare
    dropped record;
begin
    for dropped in select * from pg_temp.generate_indexes loop
        execute dropped.removal;
    end loop;
end;
$$
