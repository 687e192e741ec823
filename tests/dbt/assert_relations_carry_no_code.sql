-- Fails if a relation of a build has a trigger, a rule, a policy, a default or other rows than its
-- own: what is hung there outlives the code that did it. Drop it, or settle build --full-refresh.

select
    n.nspname as schema_name,
    c.relname as relation
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where
    (n.nspname = '{{ target.schema }}' or n.nspname like '{{ target.schema }}\_%')
    and c.relkind not in ('i', 't', 'S')
    and not (c.relkind in ('r', 'v') and {{ carries_no_code('c') }})
