-- What sellers owe without an order: a subscription on the first of each month, for most of them;
-- advertising by the week for one in eight; and money that a few put in.
create temporary table generated_seller_charges on commit drop as
with drawn as materialized (
    select
        *,
        pg_temp.generate_hash('charges', number) as dice
    from pg_temp.generated_sellers
),

months as materialized (
    select
        arguments.until,
        month at time zone 'UTC' as begins_at,
        to_char(month, 'YYYY-MM') as label
    from pg_temp.generate_arguments as arguments
    cross join generate_series(
        date_trunc('month', arguments.starts_at at time zone 'UTC'),
        arguments.until at time zone 'UTC',
        interval '1 month'
    ) as month
    where month at time zone 'UTC' >= arguments.starts_at
),

weeks as materialized (
    select
        arguments.until,
        week,
        arguments.starts_at + week * interval '168 hours' as ends_at
    from pg_temp.generate_arguments as arguments
    cross join generate_series(
        1, arguments.span_seconds / (7 * 24 * 3600)
    ) as week
),

subscriptions as (
    select
        months.until,
        'subscription-' || months.label as charge_id,
        drawn.seller_id,
        drawn.created_at,
        'subscription' as charge_type,
        case when drawn.volume_rank * 12 <= drawn.seller_count then 99.00 else 29.00 end as amount,
        months.begins_at as charged_at,
        months.label as note,
        pg_temp.generate_draw(drawn.dice, 1, 1000000) as chance
    from drawn
    cross join months
    where pg_temp.generate_draw(drawn.dice, 0, 5) < 3
),

-- What clicks cost is finer than a cent.
advertising as (
    select
        weeks.until,
        'advertising-' || lpad(weeks.week::text, 3, '0') as charge_id,
        drawn.seller_id,
        drawn.created_at,
        'advertising' as charge_type,
        case
            when clicks.clicks % 8 = 1 then clicks.clicks * 0.2175
            else round(clicks.clicks * 0.2175, 2)
        end as amount,
        weeks.ends_at as charged_at,
        clicks.clicks || ' clicks' as note,
        clicks.clicks * 7919 % 1000000 as chance
    from drawn
    cross join weeks
    cross join lateral (
        select
            5 + pg_temp.generate_draw(
                pg_temp.generate_hash('clicks ' || weeks.week, drawn.number), 0, 120
            ) as clicks
    ) as clicks
    where pg_temp.generate_draw(drawn.dice, 2, 8) = 0
),

top_ups as (
    select
        months.until,
        'top-up-' || months.label as charge_id,
        drawn.seller_id,
        drawn.created_at,
        'top_up' as charge_type,
        -(20 + pg_temp.generate_draw(drawn.dice, 4, 181))::numeric as amount,
        pg_temp.generate_later(
            months.begins_at, pg_temp.generate_draw(drawn.dice, 5, 20 * 24 * 3600)
        ) as charged_at,
        null as note,
        pg_temp.generate_draw(drawn.dice, 6, 1000000) as chance
    from drawn
    cross join months
    where pg_temp.generate_draw(drawn.dice, 3, 40) = 0
),

final as (
    select
        *,
        pg_temp.generate_recorded_at(charged_at, chance) as recorded_at
    from (
        select * from subscriptions
        union all
        select * from advertising
        union all
        select * from top_ups
    ) as charges
)

select *
from final
where charged_at > created_at and recorded_at <= until;
