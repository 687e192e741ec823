-- Fails if the facts that are good in themselves and what became of them differ in number or sum:
-- orders and fees as entries, refunds at face value before the clamp, dispute events by number.

-- depends_on: {{ ref('stg_marketplace__orders') }}
-- depends_on: {{ ref('int_orders__candidates') }}

{%- set looked_at = 'int_orders__candidates' if is_scoped() else 'stg_marketplace__orders' %}

with

-- An as-of schema may show an instant before the one that a late fact was posted to.
postponed as (

    select
        seller_id,
        order_id
    from {{ ref('int_late_facts') }}
    where posted_at > {{ as_of() }} and order_id is not null

),

-- What makes an order good is said here once more, so that one that was lost on the way shows.
orders as (

    select
        orders.seller_id,
        orders.order_id,
        orders.gross_amount,
        currencies.decimals,
        {{ cents(rate('orders')) }} as cents_per_unit
    from {{ ref(looked_at) }} as orders
    inner join {{ ref('int_sellers') }} as sellers on orders.seller_id = sellers.seller_id
    inner join {{ ref('currencies') }} as currencies on orders.currency = currencies.currency
    where
        greatest(orders.known_at, sellers.created_at) <= {{ as_of() }}
        and {{ opaque_to_planner(
            rate('orders') ~ ' > 0'
            ~ ' and ' ~ rate('orders') ~ ' < 10000000000000'
            ~ ' and orders.gross_amount > 0'
            ~ ' and not orders.is_misdated'
            ~ ' and orders.gross_amount * ' ~ rate('orders') ~ ' < 10000000000000'
            ~ ' and orders.gross_amount < 10000000000000'
            ~ ' and orders.gross_amount = trunc(orders.gross_amount, currencies.decimals)'
        ) }}
        and (orders.seller_id, orders.order_id) not in (
            select
                postponed.seller_id,
                postponed.order_id
            from postponed
        )

),

events as (

    select
        events.*,
        bool_or(events.event_type = 'opened') over (
            partition by events.seller_id, events.order_id, events.dispute_id
        ) as is_opened
    from {{ ref('stg_marketplace__dispute_events') }} as events
    inner join orders
        on events.seller_id = orders.seller_id and events.order_id = orders.order_id
    where
        events.known_at <= {{ as_of() }}
        and not events.is_misdated
        and case events.event_type
            when 'withdrawn' then true
            when 'opened' then events.amount > 0
            when 'won' then events.amount >= 0
            when 'lost' then events.amount >= 0
        end
        and (
            events.event_type = 'withdrawn'
            or abs(events.amount) < 10000000000000
            and abs(events.amount) * orders.cents_per_unit < {{ cents(10000000000000) }}
            and events.amount = trunc(events.amount, orders.decimals)
        )

),

differences as (

    select
        'orders' as source_table,
        1 as fact_count,
        {{ settled('gross_amount', 'cents_per_unit') }} as amount
    from orders

    union all

    select
        'order_fees' as source_table,
        1 as fact_count,
        -{{ settled('fees.amount', 'orders.cents_per_unit') }} as amount
    from {{ ref('stg_marketplace__order_fees') }} as fees
    inner join orders
        on fees.seller_id = orders.seller_id and fees.order_id = orders.order_id
    where
        fees.known_at <= {{ as_of() }}
        and not fees.is_misdated
        and abs(fees.amount) < 10000000000000
        and abs(fees.amount) * orders.cents_per_unit < {{ cents(10000000000000) }}

    union all

    -- In the order's own currency.
    select
        'refunds' as source_table,
        1 as fact_count,
        refunds.amount
    from {{ ref('stg_marketplace__refunds') }} as refunds
    inner join orders
        on refunds.seller_id = orders.seller_id and refunds.order_id = orders.order_id
    where
        refunds.known_at <= {{ as_of() }}
        and not refunds.is_misdated
        and refunds.reverses_refund_id is null
        and refunds.amount > 0
        and abs(refunds.amount) < 10000000000000
        and abs(refunds.amount) * orders.cents_per_unit < {{ cents(10000000000000) }}
        and refunds.amount = trunc(refunds.amount, orders.decimals)

    union all

    select
        'dispute_events' as source_table,
        1 as fact_count,
        0 as amount
    from events
    where is_opened

    union all

    -- A holdback is part of its order.
    select
        {{ source_table_of('entry_type') }} as source_table,
        case when entry_type = 'holdback' then 0 else -1 end as fact_count,
        case when entry_type like 'dispute%' then 0 else -amount_minor end as amount
    from {{ ref('int_entries__known') }}
    where
        order_id is not null
        and entry_type not in ('refund', 'refund_reversed')
        and (seller_id, order_id) not in (
            select
                postponed.seller_id,
                postponed.order_id
            from postponed
        )

    union all

    select
        'refunds' as source_table,
        -1 as fact_count,
        -claimed_amount as amount
    from {{ ref('int_refunds') }}
    where
        not is_reversal
        and (seller_id, order_id) not in (
            select
                postponed.seller_id,
                postponed.order_id
            from postponed
        )

)

select
    source_table,
    sum(fact_count) as lost_count,
    sum(amount) as lost_amount
from differences
group by source_table
having sum(fact_count) <> 0 or sum(amount) <> 0
