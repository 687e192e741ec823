{% macro money(minor) -%}
    (({{ minor }})::numeric / 100)::numeric(18, 2)
{%- endmacro %}

{% macro cents(amount) -%}
    (({{ amount }}) * 100)
{%- endmacro %}

{% macro rate(order_row) -%}
    case
        when {{ order_row }}.currency = '{{ var("settlement_currency") }}' then 1
        else {{ order_row }}.exchange_rate
    end
{%- endmacro %}

{% macro settled(amount, cents_per_unit) -%}
    round(({{ amount }}) * {{ cents_per_unit }})::bigint
{%- endmacro %}

{% macro percent_of(amount_minor, percent) -%}
    round({{ amount_minor }} * {{ percent }} / 100)::bigint
{%- endmacro %}
