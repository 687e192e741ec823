-- Disputes open 1 to 30 days after the checkout, one id over all its orders that are disputed.
-- Three of five have an outcome 3 to 25 days later: won or lost, in part now and then, or
-- withdrawn. Nobody answers the others, which are lost after 45 to 60 days. Some outcomes are
-- revised, and some disputes opened again.
create temporary table generated_dispute_events on commit drop as
with drawn as (
    select
        *,
        pg_temp.generate_hash('dispute', checkout_number) as dice
    from pg_temp.generated_orders
    offset 0
),

opened as materialized (
    select
        number,
        checkout_number,
        decimals,
        order_id,
        seller_id,
        until,
        pg_temp.generate_hash('dispute outcome', checkout_number) as outcome,
        'opened' as step,
        'opened' as event_type,
        case
            when pg_temp.generate_draw(dice, 1, 5) < 4 then gross_amount
            else round(
                gross_amount * (30 + pg_temp.generate_draw(dice, 2, 61)) / 100,
                decimals
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

ruled as materialized (
    select
        opened.*,
        case
            when not is_answered then 'lost'
            when pg_temp.generate_draw(outcome, 1, 20) < 9 then 'won'
            when pg_temp.generate_draw(outcome, 1, 20) < 18 then 'lost'
            else 'withdrawn'
        end as ruling,
        pg_temp.generate_later(
            occurred_at,
            case
                when is_answered
                    then 3 * 24 * 3600 + pg_temp.generate_draw(outcome, 4, 22 * 24 * 3600)
                else 45 * 24 * 3600 + pg_temp.generate_draw(outcome, 4, 15 * 24 * 3600)
            end
        ) as ruled_at
    from (
        select
            *,
            pg_temp.generate_draw(outcome, 0, 5) < 3 as is_answered
        from opened
    ) as opened
),

decided as (
    select
        number,
        checkout_number,
        decimals,
        order_id,
        seller_id,
        until,
        outcome,
        ruling as step,
        ruling as event_type,
        case
            when ruling = 'withdrawn' then null
            when pg_temp.generate_draw(outcome, 2, 4) = 0
                then round(
                    amount * (30 + pg_temp.generate_draw(outcome, 3, 61)) / 100,
                    decimals
                )
            else amount
        end as amount,
        ruled_at as occurred_at,
        pg_temp.generate_draw(outcome, 5, 1000000) as chance
    from ruled
),

-- Days after the first word, so that its row is here before.
revised as (
    select
        number,
        checkout_number,
        decimals,
        order_id,
        seller_id,
        until,
        outcome,
        case
            when pg_temp.generate_draw(outcome, 6, 16) = 0 then 'again'
            else 'revised'
        end as step,
        case
            when pg_temp.generate_draw(outcome, 6, 16) = 0 then 'opened'
            when ruling = 'won' then 'lost'
            else 'won'
        end as event_type,
        amount,
        pg_temp.generate_later(
            ruled_at,
            3 * 24 * 3600 + pg_temp.generate_draw(outcome, 7, 17 * 24 * 3600)
        ) as occurred_at,
        1 as chance
    from ruled
    where
        ruling <> 'withdrawn'
        and pg_temp.generate_draw(outcome, 6, 16) < 3
),

recorded as (
    select
        number,
        until,
        'dispute-' || lpad(number::text, 9, '0') || '-' || step
            as dispute_event_id,
        'dispute-' || lpad(checkout_number::text, 9, '0') as dispute_id,
        order_id,
        seller_id,
        event_type,
        amount,
        occurred_at,
        pg_temp.generate_recorded_at(occurred_at, chance) as recorded_at,
        step
    from (
        select * from opened
        union all
        select * from decided
        union all
        select * from revised
    ) as events
),

-- An outcome without its opening would be a bad fact.
kept as (
    select
        *,
        bool_or(step = 'opened' and recorded_at <= until) over (
            partition by number
        ) as is_opened
    from recorded
)

select *
from kept
where is_opened and recorded_at <= until;
