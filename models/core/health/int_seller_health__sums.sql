{%- set kinds = [
    ('order', ref('int_orders'), 'gross_minor', 'ordered_at', 'null::timestamptz', 'true'),
    ('fee', ref('int_order_fees'), 'amount_minor', 'charged_at', 'null', 'not is_tax'),
    ('refund', ref('int_refunds'), 'claimed_minor', 'refunded_at', 'null', 'true'),
    (
        'dispute', ref('int_dispute_claims'), 'amount_minor', 'occurred_at', 'withdrawn_known_at',
        "event_type = 'opened' and is_effective"
    ),
] -%}

-- One row per seller, window and kind of fact: face values of what occurred in the 30 days of 24
-- hours before the window's end and was known before it. For windows without a stored close, and
-- the latest closed one.

with

windows as not materialized (

    select
        payout_window,
        window_ends_at,
        window_ends_at - interval '720 hours' as trailing_from,
        window_ends_at - interval '168 hours' as last_7_days_from
    from {{ ref('int_windows') }}
    where is_closed and (is_latest_closed or not is_stored)

),

-- Where a window begins or ends to look. What lies between the same two of these instants is in the
-- same windows.
bounds as (

    select array_agg(distinct bounds.instant order by bounds.instant) as instants
    from windows
    cross join lateral (
        values
        (windows.trailing_from), (windows.last_7_days_from), (windows.window_ends_at)
    ) as bounds (instant)

),

facts as (

    {%- for kind, relation, amount, occurred, withdrawn, applies in kinds %}
        {{ 'union all' if not loop.first }}
        select
            seller_id,
            '{{ kind }}' as fact_type,
            {{ amount }} as amount_minor,
            {{ occurred }} as occurred_at,
            known_at,
            {{ withdrawn }} as withdrawn_known_at
        from {{ relation }}
        where {{ applies }}
    {%- endfor %}

),

-- Added up first: where all windows are computed, each is compared with sums, not with every fact.
summed as (

    select
        facts.seller_id,
        facts.fact_type,
        min(facts.occurred_at) as occurred_at,
        min(facts.known_at) as known_at,
        min(facts.withdrawn_known_at) as withdrawn_known_at,
        sum(facts.amount_minor) as amount_minor
    from facts
    cross join bounds
    where facts.occurred_at >= bounds.instants[1]
    group by
        facts.seller_id,
        facts.fact_type,
        width_bucket(facts.occurred_at, bounds.instants),
        width_bucket(facts.known_at, bounds.instants),
        width_bucket(facts.withdrawn_known_at, bounds.instants)

),

final as (

    select
        windows.payout_window,
        summed.seller_id,
        {%- for column, kind in [
            ('gross', 'order'), ('fees', 'fee'), ('refunds', 'refund'), ('disputes', 'dispute')
        ] %}
            coalesce(sum(summed.amount_minor) filter (where summed.fact_type = '{{ kind }}'), 0)
                as {{ column }}_minor,
        {%- endfor %}
        coalesce(sum(summed.amount_minor) filter (
            where summed.fact_type = 'order' and summed.occurred_at >= windows.last_7_days_from
        ), 0) as last_7_days_minor
    from summed
    inner join windows
        on
            summed.occurred_at >= windows.trailing_from
            and summed.occurred_at < windows.window_ends_at
            and summed.known_at < windows.window_ends_at
            -- A dispute that was withdrawn by then counts for nothing.
            and windows.window_ends_at
            <= coalesce(summed.withdrawn_known_at, 'infinity')
    group by windows.payout_window, summed.seller_id

)

select * from final
