{#- Integer cents as the two-place decimal that public relations show. -#}
{% macro money(minor) -%}
    (({{ minor }})::numeric / 100)::numeric(18, 2)
{%- endmacro %}

{#- A decimal amount in integer cents; null where it is no money: more than two places, not a
    number, or out of range. -#}
{% macro minor(amount) -%}
    case
        when {{ amount }} = trunc({{ amount }}, 2) and abs({{ amount }}) < 10000000000000
            then ({{ amount }} * 100)::bigint
    end
{%- endmacro %}
