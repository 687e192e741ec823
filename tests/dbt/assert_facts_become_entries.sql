-- Fails if the facts that are good in themselves and what became of them differ in number or sum:
-- orders and fees as entries, refunds at face value, before the clamp.

{%- set touched = ref('int_orders__touched') %}
{%- set in_scope = 'orders.order_id = any(array(select order_id from ' ~ touched ~ '))' %}
{%- set in_scope = in_scope if is_scoped() else 'true' %}

with

build as (

    select * from {{ ref('int_build') }}

),

-- What makes an order good is said here once more; only its release is taken over. An order that
-- was lost on the way has none and counts all the same.
orders as (

    select
        orders.order_id,
        orders.seller_id,
        orders.gross_minor,
        greatest(
            orders.known_at, sellers.created_at, coalesce(effective.release_at, 'infinity')
        ) as available_at
    from {{ ref('stg_marketplace__orders') }} as orders
    inner join {{ ref('stg_marketplace__sellers') }} as sellers
        on orders.seller_id = sellers.seller_id
    left join {{ ref('int_orders') }} as effective on orders.order_id = effective.order_id
    where
        greatest(orders.known_at, sellers.created_at) <= {{ as_of() }}
        and orders.currency = '{{ var("settlement_currency") }}'
        and orders.gross_minor > 0
        and {{ in_scope }}

),

facts as (

    select
        'order' as fact_type,
        gross_minor as amount_minor,
        available_at
    from orders

    union all

    select
        'fee' as fact_type,
        -fees.amount_minor as amount_minor,
        greatest(fees.known_at, orders.available_at) as available_at
    from {{ ref('stg_marketplace__order_fees') }} as fees
    inner join orders on fees.order_id = orders.order_id and fees.seller_id = orders.seller_id
    where fees.known_at <= {{ as_of() }} and fees.amount_minor <> 0

    union all

    select
        'refund' as fact_type,
        refunds.amount_minor,
        'infinity' as available_at
    from {{ ref('stg_marketplace__refunds') }} as refunds
    inner join orders on refunds.order_id = orders.order_id and refunds.seller_id = orders.seller_id
    where refunds.known_at <= {{ as_of() }} and refunds.amount_minor > 0

),

became as (

    select
        entry_type as fact_type,
        amount_minor
    from {{ ref('int_entries') }}
    where entry_type in ('order', 'fee')

    union all

    select
        'refund' as fact_type,
        orders.amount_minor
    from {{ ref('int_refunds') }} as orders
    where orders.amount_minor > 0 and {{ in_scope }}

),

counted as (

    select
        facts.fact_type,
        count(*) as fact_count,
        sum(facts.amount_minor) as amount_minor
    from facts
    cross join build
    where facts.available_at >= build.scope_from
    group by facts.fact_type

    union all

    select
        fact_type,
        -count(*) as fact_count,
        -sum(amount_minor) as amount_minor
    from became
    group by fact_type

)

select
    fact_type,
    sum(fact_count) as lost_count,
    sum(amount_minor) as lost_minor
from counted
group by fact_type
having sum(fact_count) <> 0 or sum(amount_minor) <> 0
