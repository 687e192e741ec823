-- How much of the orders would be paid as sellers are now, and which windows could be closed. What
-- holds a row at its close is the models' to say; here are its usual causes.
with

orders as (

    select
        orders.seller_id,
        orders.ordered_at,
        ({order_defect}) is not null as has_defect
    from (select *, false as is_misdated from pg_temp.load_orders_typed) as orders
    left join pg_temp.doctor_currencies as currencies on orders.currency = currencies.currency

),

judged as (

    select
        orders.ordered_at,
        case
            when sellers.seller_id is null or orders.has_defect then 'without effect'
            when sellers.status <> 'active' then 'of sellers who are ' || sellers.status
            when not sellers.payouts_enabled then 'of sellers who are not verified'
            when not sellers.fast_settlement and not sellers.region = any({regions})
                then 'of sellers in a region without a rail'
            when btrim(sellers.wallet_address) = '' then 'of sellers without a wallet'
        end as obstacle
    from orders
    left join pg_temp.load_sellers_typed as sellers on orders.seller_id = sellers.seller_id

),

counted as (

    select
        count(*) as order_count,
        count(*) filter (where obstacle is null) as payable_count,
        min(ordered_at) as first_ordered_at
    from judged

)

select
    counted.order_count,
    counted.payable_count,
    round(100.0 * counted.payable_count / nullif(counted.order_count, 0), 1) as payable_percent,
    (
        select jsonb_object_agg(grouped.obstacle, grouped.order_count)
        from (
            select obstacle, count(*) as order_count
            from judged
            where obstacle is not null
            group by obstacle
        ) as grouped
    ) as obstacles,
    finance.window_label(counted.first_ordered_at, {timezone}) as first_window,
    finance.window_ends_at(counted.first_ordered_at, {timezone}) <= (select public.settle_now())
        as is_closable,
    finance.window_label((select public.settle_now()) - interval '7 days', {timezone})
        as latest_window
from counted
