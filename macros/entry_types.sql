{% macro source_table_of(entry_type) -%}
    case
        when {{ entry_type }} in ('order', 'holdback') then 'orders'
        when {{ entry_type }} in ('fee', 'tax') then 'order_fees'
        when {{ entry_type }} in ('refund', 'refund_reversed') then 'refunds'
        when {{ entry_type }} like 'dispute\_%' then 'dispute_events'
        when {{ entry_type }} = 'charge' then 'seller_charges'
    end
{%- endmacro %}

{#- Column of the settlement view, its sign, and the entries that it sums. -#}
{% macro entry_columns() -%}
    {{ return([
        ('gross', '', "'order', 'holdback'"),
        ('fees', '-', "'fee'"),
        ('taxes', '-', "'tax'"),
        ('refunds', '-', "'refund', 'refund_reversed'"),
        ('disputes', '-', "'dispute_opened', 'dispute_won', 'dispute_lost', 'dispute_withdrawn'"),
        ('charges', '-', "'charge'"),
        ('adjustments', '', "'adjustment'"),
        ('opening', '', "'opening_balance'"),
    ]) }}
{%- endmacro %}
