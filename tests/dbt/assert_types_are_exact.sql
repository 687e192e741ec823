-- Fails if a column that the figures pass through is a float, or an instant without a zone. Of the
-- marketplace's tables only what we read counts: a replication may add columns of its own. The
-- migration tool's log is no figure.

select
    table_schema,
    table_name,
    column_name,
    data_type
from information_schema.columns
where
    data_type in (
        'real', 'double precision', 'money',
        'timestamp without time zone', 'time without time zone'
    )
    and table_name not like '%yoyo%'
    and (
        table_schema in ('{{ target.schema }}', 'finance', '{{ var("halfin_schema") }}')
        or starts_with(table_schema, '{{ target.schema }}_')
        or (
            table_schema = '{{ var("marketplace_schema") }}'
            and (column_name like '%amount' or column_name like '%\_at')
        )
    )
