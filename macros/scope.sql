{% macro is_scoped() -%}
    {%- if not execute or flags.FULL_REFRESH or not var('use_stored_closes') -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set stored = run_query('select exists (select from finance.window_closes) as stored') -%}
    {{ return(stored.columns[0].values()[0]) }}
{%- endmacro %}
