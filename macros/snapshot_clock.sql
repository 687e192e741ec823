{#- Snapshots take the project's clock, with a zone. dbt's own macros for Postgres take the
    machine's, without one. -#}
{% macro postgres__snapshot_get_time() -%}
    {{ as_of() }}
{%- endmacro %}

{% macro postgres__snapshot_string_as_time(timestamp) -%}
    {{ return("'" ~ timestamp ~ "'::timestamptz") }}
{%- endmacro %}
