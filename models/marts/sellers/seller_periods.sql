{%- set amounts = [
    'ordered', 'gross', 'fees', 'taxes', 'refunds', 'disputes', 'charges', 'adjustments',
    'opening', 'paid',
] -%}

with

entries as (

    select * from {{ ref('entries') }}

),

line_steps as (

    select * from {{ ref('int_line_steps') }}

),

-- One read of the entries: named twice, they would be read whole for one seller too.
moves as (

    select
        entries.seller_id,
        {{ settlement_month('steps.moved_at') }} as moved_in,
        steps.move_type,
        entries.amount_minor
    from entries
    inner join lateral (
        values
        (
            'ordered_' || entries.entry_type,
            entries.occurred_at,
            case
                when entries.entry_type in ('order', 'holdback') then entries.known_at
                else 'infinity'
            end
        ),
        (entries.entry_type, entries.available_at, entries.available_at)
    ) as steps (move_type, moved_at, counts_from) on steps.counts_from <= {{ as_of() }}

    union all

    select
        seller_id,
        {{ settlement_month('happened_at') }} as moved_in,
        step_type as move_type,
        amount_minor
    from line_steps
    where step_type = 'paid'

),

months as (

    select
        seller_id,
        moved_in,
        count(*) filter (where move_type = 'ordered_order') as ordered_count,
        count(*) filter (where move_type = 'order') as order_count,
        {%- for column, sign, types in entry_columns() + [
            ('ordered', '', "'ordered_order', 'ordered_holdback'"), ('paid', '', "'paid'"),
        ] %}
            coalesce({{ sign }}sum(amount_minor) filter (where move_type in ({{ types }})), 0)
                as {{ column }}_minor
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from moves
    group by seller_id, moved_in

),

summed as (

    select
        months.seller_id,
        periods.period_type,
        periods.period,
        min(months.moved_in) as first_month,
        sum(months.ordered_count)::bigint as ordered_count,
        sum(months.order_count)::bigint as order_count,
        {%- for amount in amounts %}
            sum(months.{{ amount }}_minor) as {{ amount }}_minor
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from months
    inner join lateral (
        values
        ('month', to_char(months.moved_in, 'YYYY-MM')),
        ('quarter', to_char(months.moved_in, 'YYYY-"Q"Q')),
        ('year', to_char(months.moved_in, 'YYYY'))
    ) as periods (period_type, period) on true
    group by months.seller_id, periods.period_type, periods.period

),

final as (

    select
        seller_id,
        period_type,
        period,
        date_trunc(period_type, first_month)::date as starts_on,
        {{ money('ordered_minor') }} as ordered,
        ordered_count,
        {{ money('gross_minor') }} as gross,
        order_count,
        {%- for amount in amounts[2:8] %}
            {{ money(amount ~ '_minor') }} as {{ amount }},
        {%- endfor %}
        {{ money('opening_minor') }} as opening_balance,
        {{ money(
            'gross_minor - fees_minor - taxes_minor - refunds_minor - disputes_minor'
        ) }} as consideration,
        {{ money('paid_minor') }} as paid
    from summed

)

select * from final
