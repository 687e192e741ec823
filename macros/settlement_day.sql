{% macro settlement_day(at) -%}
    ({{ at }} at time zone '{{ var("settlement_timezone") }}')::date
{%- endmacro %}

{% macro day_starts_at(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("settlement_timezone") }}'
{%- endmacro %}
