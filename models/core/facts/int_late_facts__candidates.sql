{{ config(materialized='table', unlogged=true) }}

-- One row per fact that the latest stored close may have missed, though its own instant lies before
-- the end of its window. Whether a close saw it is looked up after.

-- depends_on: {{ ref('int_sellers') }}

with

facts as not materialized (

    select
        source_table,
        source_id,
        seller_id,
        order_id,
        landed_xid,
        amount,
        event_type,
        is_misdated,
        known_at
    from {{ ref('int_raw_facts') }}

),

-- Each fact is looked up where another cluster counts the transactions, after a restore, and where
-- the currencies are others since: what was bad for want of one landed long before it has an
-- effect. Asked here: in a query of facts each worker would be asked who it is.
latest as (

    select
        closes.payout_window,
        closes.window_ends_at,
        closes.closed_at,
        case
            when
                closes.landed_in = finance.cluster_identifier()
                and coalesce(closes.currencies_digest = currencies.currencies_digest, true)
                then closes.landed_before
            else 0
        end as landed_before
    from {{ ref('stg_finance__window_closes') }} as closes
    cross join {{ ref('int_currencies_digest') }} as currencies
    order by closes.window_starts_at desc
    limit 1

),

-- Whoever has health there was seen, with their orders.
known as (

    select health.seller_id
    from {{ ref('stg_finance__window_close_health') }} as health
    inner join latest on health.payout_window = latest.payout_window

),

-- What had landed when the build of the latest close began was seen by it. Between, as the planner
-- takes a range whose bounds it does not know for a short one, and so reads it through its index.
landed_since as (

    select facts.*
    from facts
    where
        {{ opaque_to_planner('facts.known_at < (select latest.window_ends_at from latest)') }}
        and facts.landed_xid
        between (select latest.landed_before from latest) and {{ landed_always() }}

),

-- An order, or a charge, that waited for its seller landed long before it has an effect. What
-- waited for its order in turn is known when that is, and is not late.
waited as (

    select facts.*
    from facts
    where
        facts.source_table in ('orders', 'seller_charges')
        and facts.known_at < (select latest.window_ends_at from latest)
        {%- if is_scoped() %}
            and facts.seller_id = any(array(
                select sellers.seller_id from {{ ref('int_sellers') }} as sellers
                left join known on sellers.seller_id = known.seller_id
                where
                    sellers.first_seen_at >= (select latest.closed_at from latest)
                    and known.seller_id is null
            ))
        {%- endif %}

),

found as (

    select * from landed_since

    union

    select * from waited

),

final as (

    select
        source_table,
        source_id,
        seller_id,
        order_id,
        amount,
        event_type,
        is_misdated,
        known_at
    from found

)

select * from final
