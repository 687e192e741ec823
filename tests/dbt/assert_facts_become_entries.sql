-- Fails if the facts that are good in themselves and what became of them differ in number or sum:
-- orders and fees as entries, refunds at face value, before the clamp.

{%- set touched = 'array(select order_id from ' ~ ref('int_orders__touched') ~ ')' %}
{%- set recent = '(select ordered_from from ' ~ ref('int_build') ~ ')' %}
{%- set is_recent = 'orders.ordered_at >= ' ~ recent %}
{%- set in_scope = '(' ~ is_recent ~ ' or orders.order_id = any(' ~ touched ~ '))' %}

with

-- What makes an order good is said here once more, so that one that was lost on the way shows.
orders as (

    select orders.* from {{ ref('stg_marketplace__orders') }} as orders
    inner join {{ ref('stg_marketplace__sellers') }} as sellers
        on orders.seller_id = sellers.seller_id
    where
        greatest(orders.known_at, sellers.created_at) <= {{ as_of() }}
        and orders.currency = '{{ var("settlement_currency") }}'
        and orders.gross_minor > 0
        and {{ in_scope if is_scoped() else 'true' }}

),

differences as (

    select
        'order' as fact_type,
        1 as fact_count,
        gross_minor as amount_minor
    from orders

    union all

    select
        'fee' as fact_type,
        1 as fact_count,
        -fees.amount_minor as amount_minor
    from {{ ref('stg_marketplace__order_fees') }} as fees
    inner join orders
        on
            fees.order_id = orders.order_id
            and {{ opaque_to_planner('fees.seller_id = orders.seller_id') }}
    where fees.known_at <= {{ as_of() }} and fees.amount_minor <> 0

    union all

    select
        'refund' as fact_type,
        1 as fact_count,
        refunds.amount_minor
    from {{ ref('stg_marketplace__refunds') }} as refunds
    inner join orders
        on
            refunds.order_id = orders.order_id
            and {{ opaque_to_planner('refunds.seller_id = orders.seller_id') }}
    where refunds.known_at <= {{ as_of() }} and refunds.amount_minor > 0

    union all

    select
        entry_type as fact_type,
        -1 as fact_count,
        -amount_minor as amount_minor
    from {{ ref('int_entries__known') }}
    where entry_type in ('order', 'fee')

    union all

    select
        claim_type as fact_type,
        -1 as fact_count,
        -claimed_minor as amount_minor
    from {{ ref('int_claims') }}
    where claim_type = 'refund'

)

select
    fact_type,
    sum(fact_count) as lost_count,
    sum(amount_minor) as lost_minor
from differences
group by fact_type
having sum(fact_count) <> 0 or sum(amount_minor) <> 0
