-- One row: a digest of the views and seeds of the live schemas. Whether builds start from a stored
-- close is no part of it: that decides what tables are made from, and no view.
with views as (
    select
        v.oid,
        n.nspname,
        v.relname,
        v.relacl::text as rights,
        v.reloptions,
        case v.relkind when 'v' then pg_get_viewdef(v.oid) end as definition,
        (
            select
                string_agg(
                    concat_ws(' ', a.attname, a.atttypid, a.atttypmod), ', ' order by a.attnum
                )
            from pg_attribute as a
            where a.attrelid = v.oid and a.attnum > 0
        ) as names_and_types
    from pg_class as v
    inner join pg_namespace as n on v.relnamespace = n.oid
    where
        (v.relkind = 'v' and (n.nspname = 'settlement' or n.nspname like 'settlement\_%'))
        or (v.relkind = 'r' and n.nspname = 'settlement_seeds')
)

select md5(string_agg(views::text, E'\n' order by views.oid)) as digest
from views
