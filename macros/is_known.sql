{% macro is_known(at) -%}
    case when {{ at }} <= {{ as_of() }} then true end
{%- endmacro %}
