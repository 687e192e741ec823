-- One row per view of dbt's that reads a relation, type or function of ours.
select distinct
    n.nspname,
    v.relname
from pg_catalog.pg_depend as d
inner join pg_catalog.pg_rewrite as r
    on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
inner join pg_catalog.pg_class as v on r.ev_class = v.oid and v.relkind = 'v'
inner join pg_catalog.pg_namespace as n on v.relnamespace = n.oid
where
    v.relowner = 'settle_dbt'::regrole
    and 'settle_owner'::regrole in (
        select c.relowner from pg_catalog.pg_class as c
        where d.refclassid = 'pg_catalog.pg_class'::regclass and c.oid = d.refobjid
        union all
        select p.proowner from pg_catalog.pg_proc as p
        where d.refclassid = 'pg_catalog.pg_proc'::regclass and p.oid = d.refobjid
        union all
        select t.typowner from pg_catalog.pg_type as t
        where d.refclassid = 'pg_catalog.pg_type'::regclass and t.oid = d.refobjid
    )
order by n.nspname, v.relname
