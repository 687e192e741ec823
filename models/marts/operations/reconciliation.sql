with

lines as (

    select * from {{ ref('int_line_books') }}

),

breaks as (

    select
        payout_window,
        rail,
        count(distinct break_id) as open_breaks,
        {{ hours_since('min(opened_at)') }} as oldest_break_hours
    from {{ ref('int_break_lines') }}
    group by payout_window, rail

),

sums as (

    select
        payout_window,
        rail,
        count(*) as frozen_count,
        sum(amount_minor) as frozen_minor,
        count(*) filter (where is_sent) as sent_count,
        coalesce(sum(amount_minor) filter (where is_sent), 0) as sent_minor,
        {%- for standing in ['refused', 'completed', 'returned', 'failed', 'open'] %}
            count(*) filter (where standing = '{{ standing }}') as {{ standing }}_count,
            coalesce(sum(amount_minor) filter (where standing = '{{ standing }}'), 0)
                as {{ standing }}_minor,
        {%- endfor %}
        sum(ledger_count)::bigint as ledger_count,
        sum(ledger_amount)::numeric(18, 6) as ledger_amount,
        coalesce(sum(rail_fee), 0)::numeric(18, 6) as rail_fees,
        sum(ledger_fee)::numeric(18, 6) as ledger_fees,
        -- A payout that does not tell its fee cannot contradict the ledger.
        coalesce(sum(ledger_fee - rail_fee), 0)::numeric(18, 6) as fee_difference
    from lines
    group by payout_window, rail

),

final as (

    select
        sums.payout_window,
        sums.rail,
        {%- for step in ['frozen', 'refused', 'sent', 'completed', 'returned', 'failed', 'open'] %}
            sums.{{ step }}_count,
            {{ money('sums.' ~ step ~ '_minor') }} as {{ step }}_amount,
        {%- endfor %}
        sums.ledger_count,
        sums.ledger_amount,
        (sums.ledger_amount - {{ money('sums.completed_minor') }})::numeric(18, 6) as difference,
        sums.rail_fees,
        sums.ledger_fees,
        sums.fee_difference,
        coalesce(breaks.open_breaks, 0) as open_breaks,
        breaks.oldest_break_hours,
        sums.frozen_count = sums.refused_count + sums.sent_count
        and sums.sent_count = sums.completed_count + sums.returned_count + sums.failed_count
        and sums.ledger_count = sums.completed_count
        and sums.ledger_amount = {{ money('sums.completed_minor') }}
        and sums.fee_difference = 0
        and breaks.open_breaks is null as is_reconciled
    from sums
    left join breaks on sums.payout_window = breaks.payout_window and sums.rail = breaks.rail

)

select * from final
