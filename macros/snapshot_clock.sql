{#- Snapshots and source freshness take the project's clock, with a zone. dbt's own macros for
    Postgres take the machine's, the snapshots' without one. -#}
{% macro postgres__current_timestamp() -%}
    settle_now()
{%- endmacro %}

{% macro postgres__snapshot_get_time() -%}
    {{ as_of() }}
{%- endmacro %}

{% macro postgres__snapshot_string_as_time(timestamp) -%}
    {{ return("'" ~ timestamp ~ "'::timestamptz") }}
{%- endmacro %}
