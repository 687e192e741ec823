-- Disputes open 1 to 30 days after the order; three of five have an outcome
-- 3 to 25 days later, and some that the seller wins are won in part only.
create temporary table generated_dispute_events on commit drop as
with drawn as materialized (
    select
        *,
        pg_temp.generate_hash('dispute', number) as dice,
        pg_temp.generate_hash('dispute outcome', number) as outcome
    from pg_temp.generated_orders
),

opened as (
    select
        number,
        order_id,
        seller_id,
        until,
        outcome,
        'opened' as event_type,
        case
            when pg_temp.generate_draw(dice, 1, 5) < 4 then gross_amount
            else round(
                gross_amount * (30 + pg_temp.generate_draw(dice, 2, 61)) / 100, 2
            )
        end as amount,
        pg_temp.generate_later(
            ordered_at,
            24 * 3600 + pg_temp.generate_draw(dice, 3, 29 * 24 * 3600)
        ) as occurred_at,
        pg_temp.generate_draw(dice, 4, 1000000) as chance
    from drawn
    where pg_temp.generate_draw(dice, 0, 10000) < dispute_share
),

decided as (
    select
        number,
        order_id,
        seller_id,
        until,
        outcome,
        case
            when pg_temp.generate_draw(outcome, 1, 20) < 9 then 'won'
            else 'lost'
        end as event_type,
        case
            when
                pg_temp.generate_draw(outcome, 1, 20) < 9
                and pg_temp.generate_draw(outcome, 2, 4) = 0
                then round(
                    amount * (30 + pg_temp.generate_draw(outcome, 3, 61)) / 100, 2
                )
            else amount
        end as amount,
        pg_temp.generate_later(
            occurred_at,
            3 * 24 * 3600 + pg_temp.generate_draw(outcome, 4, 22 * 24 * 3600)
        ) as occurred_at,
        pg_temp.generate_draw(outcome, 5, 1000000) as chance
    from opened
    where pg_temp.generate_draw(outcome, 0, 5) < 3
),

recorded as (
    select
        number,
        until,
        'dispute-' || lpad(number::text, 9, '0') || '-' || event_type
            as dispute_event_id,
        'dispute-' || lpad(number::text, 9, '0') as dispute_id,
        order_id,
        seller_id,
        event_type,
        amount,
        occurred_at,
        pg_temp.generate_recorded_at(occurred_at, chance) as recorded_at
    from (
        select * from opened
        union all
        select * from decided
    ) as events
),

-- An outcome without its opening would be a bad fact.
kept as (
    select
        *,
        bool_or(event_type = 'opened' and recorded_at <= until) over (
            partition by number
        ) as is_opened
    from recorded
)

select *
from kept
where is_opened and recorded_at <= until;
