-- The columns of a relation, in its order, and which are text: those are ordered by their bytes.
select
    a.attname as name,
    a.atttypid in ('text'::regtype, 'varchar'::regtype) as is_text
from pg_attribute as a
where a.attrelid = to_regclass(%(relation)s) and a.attnum > 0 and not a.attisdropped
order by a.attnum
