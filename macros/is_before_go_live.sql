{% macro is_before_go_live(available_at) -%}
    {{ available_at }} < (select build.opened_at from {{ ref('int_build') }} as build)
{%- endmacro %}

{% macro go_live_counts(approved_at, withdrawn_at) -%}
    {%- if var('rehearse_go_live') and target.schema.startswith('asof_') -%}
        {{ withdrawn_at }} is null
    {%- else -%}
        {{ approved_at }} <= {{ as_of() }}
    {%- endif -%}
{%- endmacro %}
