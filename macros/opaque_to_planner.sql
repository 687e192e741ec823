{% macro opaque_to_planner(condition) -%}
    case when {{ condition }} then true end
{%- endmacro %}
