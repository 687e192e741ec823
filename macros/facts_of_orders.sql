{% macro facts_of_orders(facts) -%}
    orders
    {% if is_scoped() -%}
        -- Looked up order by order: a join would read all there ever were.
        cross join lateral (
            select every.* from {{ facts }} as every
            where every.seller_id = orders.seller_id and every.order_id = orders.order_id
            order by every.order_id
            offset 0
        ) as facts
    {%- else -%}
        inner join {{ facts }} as facts
            on orders.seller_id = facts.seller_id and orders.order_id = facts.order_id
    {%- endif %}
{%- endmacro %}
