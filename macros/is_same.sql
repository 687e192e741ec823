{% macro is_same(one, other) -%}
    case when {{ one }} = {{ other }} then true end
{%- endmacro %}
