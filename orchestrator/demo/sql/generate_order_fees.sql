-- Commission of 12 %, processing of 2.9 % and 0.30, shipping on some orders,
-- and for every second refund its commission back.
create temporary table generated_order_fees on commit drop as
with drawn as materialized (
    select
        *,
        pg_temp.generate_hash('fees', number) as dice
    from pg_temp.generated_orders
),

charged as materialized (
    select
        number,
        order_id,
        seller_id,
        until,
        'commission' as fee_type,
        round(gross_amount * 0.12, 2) as amount,
        ordered_at as charged_at,
        pg_temp.generate_draw(dice, 0, 1000000) as chance
    from drawn
    union all
    select
        number,
        order_id,
        seller_id,
        until,
        'processing' as fee_type,
        round(gross_amount * 0.029, 2) + 0.30 as amount,
        ordered_at as charged_at,
        pg_temp.generate_draw(dice, 1, 1000000) as chance
    from drawn
    union all
    select
        number,
        order_id,
        seller_id,
        until,
        'shipping' as fee_type,
        round((400 + pg_temp.generate_draw(dice, 2, 900)) / 100.0, 2) as amount,
        pg_temp.generate_later(
            ordered_at, 3600 + pg_temp.generate_draw(dice, 3, 3 * 24 * 3600)
        ) as charged_at,
        pg_temp.generate_draw(dice, 4, 1000000) as chance
    from drawn
    where
        gross_amount >= 25
        and pg_temp.generate_draw(dice, 5, 10) < 3
    union all
    select
        number,
        order_id,
        seller_id,
        until,
        'commission_refund' as fee_type,
        -round(amount * 0.12, 2) as amount,
        refunded_at as charged_at,
        pg_temp.generate_draw(dice, 6, 1000000) as chance
    from pg_temp.generated_refunds
    where pg_temp.generate_draw(dice, 7, 2) = 0
),

recorded as (
    select
        until,
        'fee-' || lpad(number::text, 9, '0') || '-' || fee_type as fee_id,
        order_id,
        seller_id,
        fee_type,
        amount,
        charged_at,
        pg_temp.generate_recorded_at(charged_at, chance) as recorded_at
    from charged
    where amount <> 0
)

select *
from recorded
where recorded_at <= until;
