{#- Autovacuum would read each table again, only to find that the next build replaces it. A quarter
    of the usual sample tells the next models' plans as much. -#}
{% macro analyze_table() -%}
    {%- if config.get('materialized') == 'table' -%}
        alter table {{ this }} set (autovacuum_enabled = false);
    {%- endif -%}
    {%- if config.get('materialized') in ('table', 'incremental') -%}
        set local default_statistics_target = 25;
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
