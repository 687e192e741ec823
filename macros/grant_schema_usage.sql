{% macro grant_schema_usage() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- for schema in schemas -%}
            grant usage on schema {{ adapter.quote(schema) }}
            to settle_analyst, settle_finance, settle_orchestrator;
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
