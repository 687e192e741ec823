{% macro settlement_day(at) -%}
    ({{ at }} at time zone '{{ var("settlement_timezone") }}')::date
{%- endmacro %}

{% macro day_starts_at(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("settlement_timezone") }}'
{%- endmacro %}

{% macro settlement_month(at) -%}
    date_trunc('month', {{ at }} at time zone '{{ var("settlement_timezone") }}')::date
{%- endmacro %}
