{% macro is_before_go_live(available_at) -%}
    {{ available_at }} < (select build.opened_at from {{ ref('int_build') }} as build)
{%- endmacro %}
