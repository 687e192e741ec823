{#- Autovacuum would read a table that each build empties, only to find it filled anew by the next.
    A quarter of the usual sample tells the next models' plans as much. -#}
{% macro analyze_table() -%}
    {%- if config.get('unlogged') -%}
        alter table {{ this }} set (autovacuum_enabled = false);
    {%- endif -%}
    {%- if config.get('materialized') in ('table', 'incremental') -%}
        set local default_statistics_target = 25;
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
