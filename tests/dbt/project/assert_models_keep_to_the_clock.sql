-- Fails if a model or snapshot asks the machine for the time: as_of() is the one clock of the
-- figures. Reads the code and not the catalog, where other relations are being replaced meanwhile.

{%- set asks = '\\m(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\\s*\\('
    ~ '|\\m(current_timestamp|current_date|current_time|localtimestamp|localtime)\\M' %}

with

written as (

    select * from (
        values
        {%- for node in graph.nodes.values()
            if node.resource_type in ('model', 'snapshot') and node.package_name == 'settle' %}
            ('{{ node.name }}', {{ dbt.string_literal(dbt.escape_single_quotes(node.raw_code)) }}),
        {%- endfor %}
        (null, null)
    ) as nodes (node_name, code)

)

select node_name from written
where code ~* '{{ asks }}'
