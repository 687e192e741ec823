{#- Known at the instant this schema shows, beside a condition on since when. Written plainly, the
    planner takes the two for a narrow range, expects next to no row and loops over all tables. -#}
{% macro is_known(at) -%}
    case when {{ at }} <= {{ as_of() }} then true end
{%- endmacro %}
