-- Orders evenly over the time, dealt to few large sellers and many small ones. An offset has each hash
-- computed once a row, and no step of millions of rows written down before the next.
create temporary table generated_orders on commit drop as
with numbered as (
    select
        arguments.*,
        number,
        pg_temp.generate_hash('order', number) as dice,
        -- Of every second order one in eight is part of the checkout before; a third of those has
        -- the order after it too.
        number - case
            when
                number % 2 = 0
                and get_byte(pg_temp.generate_hash('checkout', number), 0) < 32
                then 1
            when
                number % 4 = 3
                and get_byte(pg_temp.generate_hash('checkout', number - 1), 0) < 32
                and get_byte(pg_temp.generate_hash('checkout', number - 1), 1) < 85
                then 2
            else 0
        end as checkout_number
    from pg_temp.generate_arguments as arguments
    cross join generate_series(1, arguments.order_count) as number
    offset 0
),

hashed as (
    select
        *,
        pg_temp.generate_hash('checkout time', checkout_number) as time_hash
    from numbered
    offset 0
),

timed as (
    select
        *,
        (checkout_number - 1) * span_seconds / order_count
        + pg_temp.generate_draw(time_hash, 0, span_seconds / order_count + 1)
            as second_number,
        pg_temp.generate_draw(time_hash, 1, 100) as currency_draw,
        pg_temp.generate_draw(dice, 0, 1 << 20) as luck,
        pg_temp.generate_draw(dice, 7, 1000000) as chance
    from hashed
    offset 0
),

-- The luck's square, or for half of the orders its cube, makes the heavy tail.
dealt as (
    select
        *,
        pg_temp.generate_later(starts_at, second_number) as ordered_at,
        second_number / (7 * 24 * 3600) as week,
        1 + case
            when pg_temp.generate_draw(dice, 1, 2) = 0
                then (seller_count * luck * luck) >> 40
            else (seller_count * ((luck * luck) >> 20) * luck) >> 40
        end as volume_rank
    from timed
),

priced as (
    select
        dealt.*,
        sellers.seller_id,
        sellers.dispute_share,
        rates.currency,
        rates.decimals,
        rates.exchange_rate,
        -- A product of chances: most prices near the middle, a few far above. Whole thousandths
        -- are multiplied as integers, and become dollars once.
        round(
            (
                (1000 + pg_temp.generate_draw(dealt.dice, 2, 2001))
                * (1000 + pg_temp.generate_draw(dealt.dice, 3, 2001))
                * (1000 + pg_temp.generate_draw(dealt.dice, 4, 2001))
                * (1000 + pg_temp.generate_draw(dealt.dice, 5, 1001))
                * case when pg_temp.generate_draw(dealt.dice, 6, 150) = 0 then 8 else 1 end
            )::numeric
            * sellers.price_level * 8.00 * 0.00000000000001
            / rates.dollars,
            rates.decimals
        ) as gross_amount,
        pg_temp.generate_recorded_at(dealt.ordered_at, dealt.chance) as recorded_at
    from dealt
    inner join pg_temp.generated_sellers as sellers
        on dealt.volume_rank = sellers.volume_rank
    inner join pg_temp.generated_rates as rates
        on
            dealt.week = rates.week
            and dealt.currency_draw >= rates.first_draw
            and dealt.currency_draw < rates.end_draw
    where dealt.ordered_at > sellers.created_at
)

select
    number,
    checkout_number,
    dispute_share,
    decimals,
    until,
    'order-' || lpad(number::text, 9, '0') as order_id,
    'checkout-' || lpad(checkout_number::text, 9, '0') as checkout_id,
    seller_id,
    currency,
    gross_amount,
    exchange_rate,
    ordered_at,
    recorded_at
from priced
where recorded_at <= until;

analyze pg_temp.generated_orders;
