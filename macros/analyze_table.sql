{#- Autovacuum would read a table that each build empties, only to find it filled anew by the next.
    A quarter of the usual sample tells the next models' plans as much. -#}
{% macro analyze_table() -%}
    {%- set is_table = config.get('materialized') in ('table', 'incremental', 'seed') -%}
    {%- if config.get('unlogged') and is_table and execute -%}
        {#- By itself: Citus passes on no statement of several. -#}
        {%- call statement('leave_to_builds') -%}
            alter table {{ this }} set (autovacuum_enabled = false)
        {%- endcall -%}
    {%- endif -%}
    {%- if is_table -%}
        set local default_statistics_target = 25;
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
