-- The columns of a relation and their types, where it is there; and whether this login may read it.
select
    attributes.attname::text as column_name,
    format_type(attributes.atttypid, null) as type_name,
    has_schema_privilege(namespaces.oid, 'usage') and has_table_privilege(relations.oid, 'select')
        as is_readable
from pg_class as relations
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
inner join pg_attribute as attributes on relations.oid = attributes.attrelid
where
    namespaces.nspname = {schema}
    and relations.relname = {table}
    and attributes.attnum > 0
    and not attributes.attisdropped
order by attributes.attnum
