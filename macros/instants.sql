{% macro first_instant() -%}
    timestamptz '2000-01-01 00:00+00'
{%- endmacro %}

{% macro instants_end() -%}
    timestamptz '2100-01-01 00:00+00'
{%- endmacro %}

{#- A fact is known no earlier than it happened: two comparisons hold both ends of both instants. A
    recorded_at that is too early moves nothing. -#}
{% macro is_misdated(happened_at, recorded_at) -%}
    (
        {{ happened_at }} >= {{ first_instant() }}
        and greatest({{ happened_at }}, {{ recorded_at }}) < {{ instants_end() }}
    ) is not true
{%- endmacro %}

{#- Where neither instant says when it came, it was always there. -#}
{% macro listed_at(happened_at, recorded_at) -%}
    case
        when greatest({{ happened_at }}, {{ recorded_at }}) < {{ instants_end() }}
            then greatest({{ happened_at }}, {{ recorded_at }})
        when {{ recorded_at }} < {{ instants_end() }} then {{ recorded_at }}
        else '-infinity'
    end
{%- endmacro %}
