{% macro facts_of_orders(facts) -%}
    orders
    {% if is_scoped() -%}
        {{ looked_up('facts', of='orders', among=facts) }}
    {%- else -%}
        inner join {{ facts }} as facts
            on orders.seller_id = facts.seller_id and orders.order_id = facts.order_id
    {%- endif %}
{%- endmacro %}
