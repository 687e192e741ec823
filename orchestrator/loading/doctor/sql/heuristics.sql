-- What looks like a mistake of the mapping, and may be none.
with

instants as (

    select 'orders' as source_table, 'ordered_at' as column_name, ordered_at as at, recorded_at
    from pg_temp.load_orders_typed
    union all
    select 'order_fees', 'charged_at', charged_at, recorded_at from pg_temp.load_order_fees_typed
    union all
    select 'refunds', 'refunded_at', refunded_at, recorded_at from pg_temp.load_refunds_typed
    union all
    select 'dispute_events', 'occurred_at', occurred_at, recorded_at
    from pg_temp.load_dispute_events_typed
    union all
    select 'seller_charges', 'charged_at', charged_at, recorded_at
    from pg_temp.load_seller_charges_typed

)

select
    'orders' as source_table,
    'gross_amount' as column_name,
    'cents' as finding,
    count(*) as row_count,
    orders.currency || ', of which the usual is '
    || percentile_disc(0.5) within group (order by orders.gross_amount) as detail
from pg_temp.load_orders_typed as orders
inner join pg_temp.doctor_currencies as currencies on orders.currency = currencies.currency
where currencies.decimals > 0
group by orders.currency
having
    count(*) >= 20
    and bool_and(orders.gross_amount = trunc(orders.gross_amount))
    and percentile_disc(0.5) within group (order by orders.gross_amount) >= 500

union all

select source_table, column_name, 'midnight', count(*), null
from instants
where at is not null
group by source_table, column_name
having count(*) >= 20 and bool_and(at at time zone 'UTC' = date_trunc('day', at at time zone 'UTC'))

union all

select
    source_table,
    column_name,
    'recorded_before',
    count(*),
    round(max(extract(epoch from at - recorded_at)) / 3600, 1)::text
from instants
where recorded_at < at - interval '5 minutes'
group by source_table, column_name

union all

-- A file without the column is recorded when it is loaded.
select
    source_table,
    'recorded_at',
    'recorded_late',
    count(*) filter (where is_late),
    null
from (
    select
        source_table,
        coalesce(recorded_at, (select public.settle_now())) > at + interval '7 days' as is_late
    from instants
) as recorded
group by source_table
having count(*) >= 20 and count(*) filter (where is_late) > count(*) / 2

union all

select source_table, column_name, 'future', count(*), max(at)::text
from instants
where at > (select public.settle_now()) + interval '5 minutes'
group by source_table, column_name
order by source_table, column_name
