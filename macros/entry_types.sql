{% macro source_table_of(entry_type) -%}
    case
        when {{ entry_type }} in ('order', 'holdback') then 'orders'
        when {{ entry_type }} in ('fee', 'tax') then 'order_fees'
        when {{ entry_type }} in ('refund', 'refund_reversed') then 'refunds'
        when {{ entry_type }} like 'dispute\_%' then 'dispute_events'
        when {{ entry_type }} = 'charge' then 'seller_charges'
    end
{%- endmacro %}

{% macro entry_detail(entries, fee_type) -%}
    case {{ entries }}.entry_type
        when 'fee' then coalesce({{ fee_type }}, '')
        when 'tax' then coalesce({{ fee_type }}, '')
        when 'charge' then (
            select coalesce(max(charges.charge_type), '')
            from {{ ref('stg_marketplace__seller_charges') }} as charges
            where
                charges.seller_id = {{ entries }}.seller_id
                and charges.charge_id = {{ entries }}.source_id
        )
        when 'adjustment' then (
            select adjustments.adjustment_type
            from {{ ref('stg_finance__adjustments') }} as adjustments
            where
                adjustments.seller_id = {{ entries }}.seller_id
                and adjustments.adjustment_id = {{ entries }}.source_id::bigint
        )
        else ''
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

{% macro entry_sums() -%}
    {%- for column, sign, types in entry_columns() -%}
        coalesce(
            {{ sign }}sum(amount_minor) filter (where entry_type in ({{ types }})), 0
        )::bigint as {{ column }}_minor,
        {% endfor -%}
        coalesce(sum(amount_minor) filter (where entry_type <> 'opening_balance'), 0)::bigint
            as new_minor,
        coalesce(sum(entry_count) filter (where entry_type = 'order'), 0)::integer as order_count
{%- endmacro %}
