{% macro score_denominator() -%}
    of_gross * {{ var('health_dispute_cap') }} * {{ var('health_refund_cap') }}
    * of_spike * {{ var('health_spike_cap') }}
{%- endmacro %}

{% macro score_lost() -%}
    {{ var('health_dispute_weight') }} * {{ var('health_refund_cap') }}
    * of_spike * {{ var('health_spike_cap') }}
    * least(dispute_part, of_gross * {{ var('health_dispute_cap') }})
    + {{ var('health_refund_weight') }} * {{ var('health_dispute_cap') }}
    * of_spike * {{ var('health_spike_cap') }}
    * least(refund_part, of_gross * {{ var('health_refund_cap') }})
    + {{ var('health_spike_weight') }}
    * of_gross * {{ var('health_dispute_cap') }} * {{ var('health_refund_cap') }}
    * greatest(0, least(spike_part, of_spike * {{ var('health_spike_cap') }}))
{%- endmacro %}

{% macro exact_score(lost, denominator) -%}
    div(2000 * ({{ denominator }} - {{ lost }}) + {{ denominator }}, 2 * {{ denominator }}) / 10
{%- endmacro %}
