{% macro complete_build() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set built = [] -%}
        {%- for result in results if result.status == 'success' -%}
            {%- do built.append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- set missing = [] -%}
        {%- for node in graph.nodes.values()
            if node.resource_type in ('model', 'snapshot') and node.unique_id not in built -%}
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
