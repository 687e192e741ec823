-- Facts that would have no effect, by the models' own rules, as far as they need no build. What is
-- misdated was told value by value, and is not among these rows.
with

currencies as (

    select * from pg_temp.doctor_currencies

),

orders as (

    select
        orders.*,
        currencies.decimals,
        100 * ({rate}) as cents_per_unit,
        case
            when sellers.seller_id is null then 'unknown_seller'
            else {order_defect}
        end as defect
    from (select *, false as is_misdated from pg_temp.load_orders_typed) as orders
    left join currencies on orders.currency = currencies.currency
    left join pg_temp.load_sellers_typed as sellers on orders.seller_id = sellers.seller_id

),

facts as (

    select
        'order_fees' as source_table, seller_id, order_id, fee_id as source_id, amount,
        null as event_type, false as is_misdated
    from pg_temp.load_order_fees_typed
    union all
    select 'refunds', seller_id, order_id, refund_id, amount, null, false
    from pg_temp.load_refunds_typed
    union all
    select 'dispute_events', seller_id, order_id, dispute_event_id, amount, event_type, false
    from pg_temp.load_dispute_events_typed

),

judged as (

    select 'orders' as source_table, order_id as source_id, defect as reason from orders
    union all
    select
        facts.source_table,
        facts.source_id,
        case
            when orders.order_id is null then 'unknown_order'
            when orders.defect is not null then 'order_without_effect'
            else {fact_defect}
        end as reason
    from facts
    left join orders on facts.seller_id = orders.seller_id and facts.order_id = orders.order_id
    union all
    select
        'seller_charges' as source_table,
        charges.charge_id as source_id,
        case
            when sellers.seller_id is null then 'unknown_seller'
            else {charge_defect}
        end as reason
    from (select *, false as is_misdated from pg_temp.load_seller_charges_typed) as charges
    left join pg_temp.load_sellers_typed as sellers on charges.seller_id = sellers.seller_id

)

select
    source_table,
    reason,
    count(*) as row_count,
    min(source_id) as example
from judged
where reason is not null
group by source_table, reason
order by source_table, reason
