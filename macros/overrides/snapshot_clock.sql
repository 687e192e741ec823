{% macro postgres__current_timestamp() -%}
    settle_now()
{%- endmacro %}

{% macro postgres__snapshot_get_time() -%}
    {{ as_of() }}
{%- endmacro %}

{% macro postgres__snapshot_string_as_time(timestamp) -%}
    {{ return("'" ~ timestamp ~ "'::timestamptz") }}
{%- endmacro %}
