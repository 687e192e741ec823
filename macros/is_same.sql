{#- Equality of a second key beside one that already decides the join. Written plainly, the planner
    takes the two for independent, expects next to no row and loops over whole tables. -#}
{% macro is_same(one, other) -%}
    case when {{ one }} = {{ other }} then true end
{%- endmacro %}
