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
        when 'charge' then coalesce(charges.charge_type, '')
        when 'adjustment' then adjustments.adjustment_type
        else ''
    end
{%- endmacro %}

{#- Other entries have null for a key, and so are not looked for. -#}
{% macro with_details(entries) -%}
    {{ entries }}
    left join {{ ref('stg_marketplace__seller_charges') }} as charges
        on
            case when {{ entries }}.entry_type = 'charge' then {{ entries }}.source_id end
            = charges.charge_id
            and {{ entries }}.seller_id = charges.seller_id
    left join {{ ref('stg_finance__adjustments') }} as adjustments
        on
            case when {{ entries }}.entry_type = 'adjustment' then {{ entries }}.source_id end
            = adjustments.adjustment_id::text
            and {{ entries }}.seller_id = adjustments.seller_id
{%- endmacro %}

{% macro stored_fee_type(entries) -%}
    {%- if is_distributed() -%}
        order_fees.fee_type
    {%- else -%}
        case
            when {{ entries }}.entry_type in ('fee', 'tax')
                then (
                    select max(order_fees.fee_type)
                    from {{ ref('stg_marketplace__order_fees') }} as order_fees
                    where
                        order_fees.seller_id = {{ entries }}.seller_id
                        and order_fees.fee_id = {{ entries }}.source_id
                )
        end
    {%- endif -%}
{%- endmacro %}

{% macro with_stored_fees(entries) -%}
    {%- if is_distributed() -%}
        left join {{ ref('stg_marketplace__order_fees') }} as order_fees
            on
                {{ entries }}.entry_type in ('fee', 'tax')
                and {{ entries }}.seller_id = order_fees.seller_id
                and {{ entries }}.source_id = order_fees.fee_id
    {%- endif -%}
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
