{{ config(materialized='table', indexes=[{'columns': ['order_id']}, {'columns': ['seller_id']}]) }}

with

events as (

    select * from {{ ref('int_dispute_events') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

-- The first opened event of a dispute opens it; a second one, even on another order, does not.
opened as (

    select events.* from events
    where
        events.event_type = 'opened'
        and not exists (
            select 1 from events as earlier
            where
                earlier.dispute_id = events.dispute_id
                and earlier.event_type = 'opened'
                and (earlier.known_at, earlier.occurred_at, earlier.dispute_event_id)
                < (events.known_at, events.occurred_at, events.dispute_event_id)
        )

),

-- The first outcome of each on its order. Not by a row number: the planner expects next to none of
-- those, and would compare every dispute with every outcome.
outcomes as (

    select distinct on (dispute_id, order_id) *
    from events
    where event_type in ('won', 'lost')
    order by dispute_id asc, order_id asc, known_at asc, occurred_at asc, dispute_event_id asc

),

final as (

    select
        opened.order_id,
        opened.seller_id,
        opened.dispute_id,
        opened.dispute_event_id as opened_event_id,
        opened.amount_minor as opened_minor,
        opened.occurred_at as opened_at,
        opened.known_at as opened_known_at,
        outcomes.dispute_event_id as outcome_event_id,
        outcomes.event_type as outcome,
        -- An outcome counts no earlier than what it is the outcome of.
        greatest(outcomes.occurred_at, opened.occurred_at) as outcome_at,
        greatest(outcomes.known_at, opened.known_at) as outcome_known_at,
        case
            when outcomes.event_type = 'won' then least(outcomes.amount_minor, opened.amount_minor)
        end as given_back_minor,
        {% if var('late_disputes') == 'recover' -%}
            true
        {%- elif var('late_disputes') == 'until_window_close' -%}
            opened.known_at < orders.paying_window_ends_at
        {%- elif var('late_disputes') == 'absorb' -%}
            opened.occurred_at < orders.release_at
            and opened.known_at < orders.paying_window_ends_at
        {%- else -%}
            {{ exceptions.raise_compiler_error(
                "late_disputes is '" ~ var('late_disputes')
                ~ "'; use absorb, until_window_close or recover"
            ) }}
        {%- endif %} as is_in_time
    from opened
    inner join orders on opened.order_id = orders.order_id
    left join outcomes
        on
            opened.dispute_id = outcomes.dispute_id
            and {{ opaque_to_planner('opened.order_id = outcomes.order_id') }}

)

select * from final
