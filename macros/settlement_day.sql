{#- The calendar day of an instant in the settlement zone; windows and months begin with one. -#}
{% macro settlement_day(at) -%}
    ({{ at }} at time zone '{{ var("settlement_timezone") }}')::date
{%- endmacro %}

{#- The instant at which a calendar day of the settlement zone begins. -#}
{% macro day_starts_at(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("settlement_timezone") }}'
{%- endmacro %}
