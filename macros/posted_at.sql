{% macro posted_at(available_at) -%}
    case when {{ available_at }} < late.posted_at then late.posted_at end
{%- endmacro %}

{% macro late_facts(source_table) -%}
    select
        seller_id,
        source_id,
        posted_at
    from {{ ref('int_late_facts') }}
    where source_table = '{{ source_table }}'
{%- endmacro %}
