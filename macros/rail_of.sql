{% macro rail_of(seller, region_rail) -%}
    case when {{ seller }}.is_fast_settlement then 'SPL' else {{ region_rail }}.rail end
{%- endmacro %}
