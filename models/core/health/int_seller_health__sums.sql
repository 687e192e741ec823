-- One row per seller, window and kind of fact: face values of what occurred in the 30 days of 24
-- hours before the window's end and was known before it. For windows without a stored close, and
-- the latest closed one.

with

windows as (

    select
        payout_window,
        window_ends_at,
        window_ends_at - interval '720 hours' as trailing_from,
        window_ends_at - interval '168 hours' as last_7_days_from
    from {{ ref('int_windows') }}
    where is_closed and (is_latest_closed or not is_stored)

),

facts as (

    select
        seller_id,
        'order' as fact_type,
        gross_minor as amount_minor,
        ordered_at as occurred_at,
        known_at,
        null::timestamptz as withdrawn_known_at
    from {{ ref('int_orders') }}

    union all

    select
        seller_id,
        'fee' as fact_type,
        amount_minor,
        charged_at as occurred_at,
        known_at,
        null as withdrawn_known_at
    from {{ ref('int_order_fees') }}
    where not is_tax

    union all

    select
        seller_id,
        'refund' as fact_type,
        claimed_minor as amount_minor,
        refunded_at as occurred_at,
        known_at,
        null as withdrawn_known_at
    from {{ ref('int_refunds') }}

    union all

    select
        seller_id,
        'dispute' as fact_type,
        amount_minor,
        occurred_at,
        known_at,
        withdrawn_known_at
    from {{ ref('int_dispute_claims') }}
    where event_type = 'opened' and is_effective

),

final as (

    select
        windows.payout_window,
        facts.seller_id,
        coalesce(sum(facts.amount_minor) filter (where facts.fact_type = 'order'), 0)
            as gross_minor,
        coalesce(sum(facts.amount_minor) filter (where facts.fact_type = 'fee'), 0) as fees_minor,
        coalesce(sum(facts.amount_minor) filter (where facts.fact_type = 'refund'), 0)
            as refunds_minor,
        coalesce(sum(facts.amount_minor) filter (where facts.fact_type = 'dispute'), 0)
            as disputes_minor,
        coalesce(sum(facts.amount_minor) filter (
            where facts.fact_type = 'order' and facts.occurred_at >= windows.last_7_days_from
        ), 0) as last_7_days_minor
    from facts
    inner join windows
        on
            facts.occurred_at >= windows.trailing_from
            and facts.occurred_at < windows.window_ends_at
            and facts.known_at < windows.window_ends_at
            -- A dispute that was withdrawn by then counts for nothing.
            and windows.window_ends_at
            <= coalesce(facts.withdrawn_known_at, 'infinity')
    group by windows.payout_window, facts.seller_id

)

select * from final
