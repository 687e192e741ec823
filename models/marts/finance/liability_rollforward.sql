{%- set flows = [
    'orders', 'fees', 'taxes', 'refunds', 'disputes', 'charges', 'adjustments',
    'opening_balances', 'sent', 'came_back', 'completed_after_all', 'paid', 'absorbed_disputes',
] -%}
{%- set column_of = {'orders': 'gross', 'opening_balances': 'opening'} -%}

with

periods as (

    select * from {{ ref('int_book_periods') }}

),

days as (

    select * from {{ ref('int_book_days') }}

),

summed as (

    select
        periods.period_type,
        periods.period,
        periods.starts_at,
        {%- for flow in flows %}
            coalesce(sum(days.{{ column_of.get(flow, flow) }}_minor), 0) as {{ flow }}_minor,
        {%- endfor %}
        periods.ends_at
    from periods
    left join days on periods.starts_on <= days.moved_on and periods.ends_on > days.moved_on
    group by periods.period_type, periods.period, periods.starts_at, periods.ends_at

),

changes as (

    select
        *,
        orders_minor - fees_minor - taxes_minor - refunds_minor - disputes_minor - charges_minor
        + adjustments_minor + opening_balances_minor - sent_minor + came_back_minor
        - completed_after_all_minor as balance_minor,
        sent_minor - came_back_minor + completed_after_all_minor - paid_minor as in_transit_minor
    from summed

),

closing as (

    select
        *,
        sum(balance_minor) over so_far as closing_balance_minor,
        sum(in_transit_minor) over so_far as closing_in_transit_minor
    from changes
    window so_far as (partition by period_type order by starts_at rows unbounded preceding)

),

final as (

    select
        period_type,
        period,
        starts_at,
        ends_at,
        {{ money('closing_balance_minor - balance_minor') }} as opening_balance,
        {%- for flow in flows if flow not in ('paid', 'absorbed_disputes') %}
            {{ money(flow ~ '_minor') }} as {{ flow }},
        {%- endfor %}
        {{ money('closing_balance_minor') }} as closing_balance,
        {{ money('closing_in_transit_minor - in_transit_minor') }} as opening_in_transit,
        {{ money('paid_minor') }} as paid,
        {{ money('closing_in_transit_minor') }} as closing_in_transit,
        {{ money('absorbed_disputes_minor') }} as absorbed_disputes
    from closing

)

select * from final
