with

build as (

    select * from {{ ref('int_build') }}

),

orders as (

    select * from {{ ref('int_orders') }}
    where holdback_until > (select build.as_of from build)

),

pending as (

    select
        entries.seller_id,
        entries.order_id,
        sum(entries.amount_minor) as held_minor,
        sum(entries.amount_minor) filter (where entries.entry_type = 'holdback') as held_back_minor
    from {{ ref('int_entries') }} as entries
    where
        entries.order_id is not null
        and entries.available_at > (select build.as_of from build)
    group by entries.seller_id, entries.order_id

),

final as (

    select
        orders.order_id::text as order_id,
        orders.seller_id::text as seller_id,
        {{ money('orders.gross_minor') }} as gross,
        {{ money('pending.held_minor') }} as held_amount,
        orders.ordered_at,
        orders.release_at as dispute_window_closes_at,
        {{ money('coalesce(pending.held_back_minor, 0)') }} as held_back,
        case when pending.held_back_minor is not null then orders.holdback_until end
            as held_back_until,
        orders.currency::text as order_currency,
        orders.gross_amount::numeric(18, 4) as order_amount,
        orders.reserve_policy::text as reserve_policy
    from orders
    inner join pending
        on orders.seller_id = pending.seller_id and orders.order_id = pending.order_id

)

select * from final
