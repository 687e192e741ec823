{% macro money(minor) -%}
    (({{ minor }})::numeric / 100)::numeric(18, 2)
{%- endmacro %}

{% macro cents(amount) -%}
    ({{ amount }} * 100)
{%- endmacro %}

{% macro minor(amount) -%}
    case
        when {{ amount }} = trunc({{ amount }}, 2) and abs({{ amount }}) < 10000000000000
            then {{ cents(amount) }}::bigint
    end
{%- endmacro %}
