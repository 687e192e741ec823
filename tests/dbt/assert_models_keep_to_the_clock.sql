-- Fails if a model or snapshot asks the machine for the time, itself or through a macro: as_of() is
-- the one clock of the figures.

{%- set asks = '\\m(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\\s*\\('
    ~ '|\\m(current_timestamp|current_date|current_time|localtimestamp|localtime)\\M' %}

with

-- As written: tables and snapshots.
written as (

    select * from (
        values
        {%- for node in graph.nodes.values()
            if node.resource_type in ('model', 'snapshot') and node.package_name == 'settle' %}
            ('{{ node.name }}', {{ dbt.string_literal(dbt.escape_single_quotes(node.raw_code)) }}),
        {%- endfor %}
        (null, null)
    ) as nodes (node_name, code)

),

-- As compiled, with the macros in it: views.
compiled as (

    select
        viewname as node_name,
        definition as code
    from pg_catalog.pg_views
    where schemaname = '{{ target.schema }}' or starts_with(schemaname, '{{ target.schema }}_')

),

final as (

    select * from written

    union all

    select * from compiled

)

select node_name from final
where code ~* '{{ asks }}'
