-- One order in 25 is refunded, two of three in full, within 20 days. One refund in 20 does not
-- reach the buyer and comes back; half of those are made again.
create temporary table generated_refunds on commit drop as
with drawn as (
    select
        *,
        pg_temp.generate_hash('refund', number) as dice
    from pg_temp.generated_orders
    offset 0
),

refunded as (
    select
        *,
        case
            when pg_temp.generate_draw(dice, 1, 3) < 2 then gross_amount
            else round(
                gross_amount * (10 + pg_temp.generate_draw(dice, 2, 81)) / 100,
                decimals
            )
        end as amount,
        pg_temp.generate_later(
            ordered_at, 60 + pg_temp.generate_draw(dice, 3, 20 * 24 * 3600)
        ) as refunded_at
    from drawn
    where pg_temp.generate_draw(dice, 0, 25) = 0
),

first_refunds as (
    select
        number,
        dice,
        until,
        decimals,
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
        )[1 + pg_temp.generate_draw(dice, 5, 6)] as reason,
        null as reverses_refund_id
    from refunded
),

-- Days after the refund, so that its row is here before.
reversals as (
    select
        number,
        pg_temp.generate_hash('refund back', number) as dice,
        until,
        decimals,
        refund_id || '-back' as refund_id,
        order_id,
        seller_id,
        case
            when pg_temp.generate_draw(dice, 6, 80) > 0 then amount
            else round(amount / 2, decimals)
        end as amount,
        pg_temp.generate_later(
            refunded_at,
            (3 + pg_temp.generate_draw(dice, 7, 8)) * 24 * 3600
        ) as refunded_at,
        pg_temp.generate_later(
            refunded_at,
            (3 + pg_temp.generate_draw(dice, 7, 8)) * 24 * 3600 + 2
        ) as recorded_at,
        'bounced' as reason,
        refund_id as reverses_refund_id
    from first_refunds
    where pg_temp.generate_draw(dice, 6, 80) < 4
),

second_refunds as (
    select
        number,
        dice,
        until,
        decimals,
        'refund-' || lpad(number::text, 9, '0') || '-again' as refund_id,
        order_id,
        seller_id,
        amount,
        pg_temp.generate_later(
            refunded_at, 3600 + pg_temp.generate_draw(dice, 1, 3 * 24 * 3600)
        ) as refunded_at,
        pg_temp.generate_later(
            refunded_at, 3605 + pg_temp.generate_draw(dice, 1, 3 * 24 * 3600)
        ) as recorded_at,
        'made_again' as reason,
        null as reverses_refund_id
    from reversals
    where pg_temp.generate_draw(dice, 0, 2) = 0
),

final as (
    select * from first_refunds
    union all
    select * from reversals
    where amount > 0
    union all
    select * from second_refunds
    where amount > 0
)

select *
from final
where recorded_at <= until;
