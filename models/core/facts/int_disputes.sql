{{
    config(
        materialized='table',
        indexes=[{'columns': ['seller_id', 'order_id', 'dispute_id'], 'unique': true}],
    )
}}

-- One row per dispute and order that an effective event opened.

with

events as not materialized (

    select * from {{ ref('int_dispute_events') }}

),

opened as (

    select distinct on (seller_id, order_id, dispute_id)
        *,
        -- Where something else paid before, a row that lands late was charged there in time.
        case when is_settled_elsewhere then first_known_at else known_at end as judged_at
    from events
    where event_type = 'opened'
    order by
        seller_id asc,
        order_id asc,
        dispute_id asc,
        known_at asc,
        occurred_at asc,
        dispute_event_id asc

),

timed as (

    select
        *,
        {% if var('late_disputes') == 'recover' -%}
            true
        {%- elif var('late_disputes') == 'until_window_close' -%}
            judged_at < paying_window_ends_at
        {%- elif var('late_disputes') == 'absorb' -%}
            occurred_at < release_at and judged_at < paying_window_ends_at
        {%- else -%}
            {{ exceptions.raise_compiler_error(
                "late_disputes is '" ~ var('late_disputes')
                ~ "'; use absorb, until_window_close or recover"
            ) }}
        {%- endif %} as is_in_time
    from opened

),

outcomes as (

    select
        seller_id,
        order_id,
        dispute_id,
        min(known_at) filter (where event_type = 'withdrawn') as withdrawn_known_at
    from events
    where event_type <> 'opened'
    group by seller_id, order_id, dispute_id

),

final as (

    select
        timed.seller_id,
        timed.order_id,
        timed.dispute_id,
        timed.dispute_event_id as opened_event_id,
        {{ settled('timed.amount', 'timed.cents_per_unit') }} as opened_minor,
        timed.occurred_at as opened_at,
        timed.known_at as opened_known_at,
        timed.posted_at as opened_posted_at,
        timed.is_settled_elsewhere as is_opened_elsewhere,
        outcomes.dispute_id is not null as has_outcome,
        -- An outcome counts no earlier than what it is the outcome of.
        case
            when outcomes.withdrawn_known_at is not null
                then greatest(outcomes.withdrawn_known_at, timed.known_at)
        end as withdrawn_known_at,
        timed.is_in_time,
        not timed.is_in_time and not timed.is_settled_elsewhere as is_absorbed
    from timed
    left join outcomes
        on
            timed.seller_id = outcomes.seller_id
            and timed.order_id = outcomes.order_id
            and timed.dispute_id = outcomes.dispute_id

)

select * from final
