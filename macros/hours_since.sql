{% macro hours_since(at) -%}
    round(extract(epoch from {{ status_as_of() }} - {{ at }}) / 3600, 1)::numeric(12, 1)
{%- endmacro %}
