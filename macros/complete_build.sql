{#- A build that leaves the views as they stand says so in the environment: whoever leaves them out
    by hand has built a part. -#}
{% macro complete_build() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set built = [] -%}
        {%- for result in results if result.status == 'success' -%}
            {%- do built.append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- set needless = ['view'] if env_var('DBT_VIEWS_STAND', '') else [] -%}
        {%- set missing = [] -%}
        {%- for node in graph.nodes.values()
            if node.resource_type in ('model', 'snapshot') and node.unique_id not in built
            and node.config.materialized not in needless -%}
            {%- do missing.append(node.unique_id) -%}
        {%- endfor -%}
        {%- if not missing -%}
            {%- if target.schema == 'settlement' %}
                select finance.hand_over();
            {%- endif %}
            select finance.complete_build('{{ target.schema }}', '{{ invocation_id }}')
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
