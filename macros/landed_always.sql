{% macro landed_always() -%}
    9223372036854775807
{%- endmacro %}
