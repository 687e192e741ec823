-- One order in 25 is refunded, two of three in full, within 20 days.
create temporary table generated_refunds on commit drop as
with drawn as materialized (
    select
        *,
        pg_temp.generate_hash('refund', number) as dice
    from pg_temp.generated_orders
),

refunded as (
    select
        *,
        case
            when pg_temp.generate_draw(dice, 1, 3) < 2 then gross_amount
            else round(
                gross_amount * (10 + pg_temp.generate_draw(dice, 2, 81)) / 100, 2
            )
        end as amount,
        pg_temp.generate_later(
            ordered_at, 60 + pg_temp.generate_draw(dice, 3, 20 * 24 * 3600)
        ) as refunded_at
    from drawn
    where pg_temp.generate_draw(dice, 0, 25) = 0
),

recorded as (
    select
        number,
        dice,
        until,
        'refund-' || lpad(number::text, 9, '0') as refund_id,
        order_id,
        seller_id,
        amount,
        refunded_at,
        pg_temp.generate_recorded_at(
            refunded_at, pg_temp.generate_draw(dice, 4, 1000000)
        ) as recorded_at,
        (
            array[
                'returned', 'returned', 'cancelled', 'damaged',
                'not_as_described', 'late_delivery'
            ]
        )[1 + pg_temp.generate_draw(dice, 5, 6)] as reason
    from refunded
)

select *
from recorded
where recorded_at <= until;
