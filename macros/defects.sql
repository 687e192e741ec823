{% macro is_finer_than(amount, decimals) -%}
    min_scale({{ amount }}) > {{ decimals }}
{%- endmacro %}

{% macro amount_defect(amount, decimals, is_zero_allowed=false) -%}
    case
        -- No number, or too large for a balance: not a number compares as above all others.
        when {{ amount }} is null or not abs({{ amount }}) < 10000000000000 then 'invalid_amount'
        when {{ amount }} {{ '<' if is_zero_allowed else '<=' }} 0 then 'amount_not_positive'
        when {{ is_finer_than(amount, decimals) }} then 'too_many_decimals'
    end
{%- endmacro %}

{#- What is wrong with a fact: its instants before all else. -#}
{% macro defect_of(fact, defect) -%}
    case when {{ fact }}.is_misdated then 'invalid_instant' else {{ defect }} end
{%- endmacro %}

{% macro order_defect(order_row, currency) -%}
    {%- set found -%}
        case
            when {{ currency }}.currency is null then 'unknown_currency'
            when
                {{ order_row }}.currency <> '{{ var("settlement_currency") }}'
                and not coalesce(
                    {{ order_row }}.exchange_rate > 0
                    and {{ order_row }}.exchange_rate < 10000000000000,
                    false
                )
                then 'no_exchange_rate'
            when
                {{ amount_defect(order_row ~ '.gross_amount', currency ~ '.decimals') }} is not null
                then {{ amount_defect(order_row ~ '.gross_amount', currency ~ '.decimals') }}
            when
                not {{ order_row }}.gross_amount * {{ rate(order_row) }} < 10000000000000
                then 'invalid_amount'
        end
    {%- endset -%}
    {{ defect_of(order_row, found) }}
{%- endmacro %}

{% macro fee_defect(amount, cents_per_unit) -%}
    case
        when {{ amount }} is null or not abs({{ amount }}) < 10000000000000 then 'invalid_amount'
        when
            not abs({{ amount }} * {{ cents_per_unit }}) < {{ cents(10000000000000) }}
            then 'invalid_amount'
    end
{%- endmacro %}

{% macro claim_defect(amount, decimals, cents_per_unit, event_type=none) -%}
    {%- if event_type -%}
        case
            when ({{ event_type }} in ('opened', 'won', 'lost', 'withdrawn')) is not true
                then 'unknown_event_type'
            when {{ event_type }} = 'withdrawn' then null
            when {{ fee_defect(amount, cents_per_unit) }} is not null then 'invalid_amount'
            when {{ event_type }} = 'opened' then {{ amount_defect(amount, decimals) }}
            else {{ amount_defect(amount, decimals, is_zero_allowed=true) }}
        end
    {%- else -%}
        coalesce({{ fee_defect(amount, cents_per_unit) }}, {{ amount_defect(amount, decimals) }})
    {%- endif -%}
{%- endmacro %}

{% macro charge_defect(charge) -%}
    {%- set found -%}
        case
            when {{ charge }}.amount = 0 then 'invalid_amount'
            else {{ fee_defect(charge ~ '.amount', '100') }}
        end
    {%- endset -%}
    {{ defect_of(charge, found) }}
{%- endmacro %}

{% macro fact_defect(fact, decimals, cents_per_unit) -%}
    {%- set found -%}
        case {{ fact }}.source_table
            when 'order_fees' then {{ fee_defect(fact ~ '.amount', cents_per_unit) }}
            when 'refunds' then {{ claim_defect(fact ~ '.amount', decimals, cents_per_unit) }}
            when 'dispute_events' then
                {{ claim_defect(fact ~ '.amount', decimals, cents_per_unit, fact ~ '.event_type') }}
        end
    {%- endset -%}
    {{ defect_of(fact, found) }}
{%- endmacro %}

{#- A fact of an order with an effect is good, but for what it says itself. -#}
{% macro suspected(facts, known_at='known_at') -%}
    select
        facts.source_table,
        facts.source_id,
        facts.seller_id,
        facts.order_id,
        facts.amount,
        facts.event_type,
        facts.is_misdated,
        facts.{{ known_at }} as known_at
    from {{ facts }} as facts
    left join {{ ref('int_orders') }} as orders
        on facts.seller_id = orders.seller_id and facts.order_id = orders.order_id
    where
        orders.order_id is null
        or {{ fact_defect('facts', 'orders.decimals', 'orders.cents_per_unit') }} is not null
{%- endmacro %}
