{% macro window_starts_at(at) -%}
    finance.window_starts_at({{ at }}, '{{ var("settlement_timezone") }}')
{%- endmacro %}

{% macro window_ends_at(at) -%}
    finance.window_ends_at({{ at }}, '{{ var("settlement_timezone") }}')
{%- endmacro %}

{% macro window_label(at) -%}
    finance.window_label({{ at }}, '{{ var("settlement_timezone") }}')
{%- endmacro %}
