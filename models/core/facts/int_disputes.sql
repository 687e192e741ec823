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

    select distinct on (seller_id, order_id, dispute_id) *
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
        opened.seller_id,
        opened.order_id,
        opened.dispute_id,
        opened.dispute_event_id as opened_event_id,
        {{ settled('opened.amount', 'opened.cents_per_unit') }} as opened_minor,
        opened.occurred_at as opened_at,
        opened.known_at as opened_known_at,
        opened.posted_at as opened_posted_at,
        opened.is_settled_elsewhere as is_opened_elsewhere,
        outcomes.dispute_id is not null as has_outcome,
        -- An outcome counts no earlier than what it is the outcome of.
        case
            when outcomes.withdrawn_known_at is not null
                then greatest(outcomes.withdrawn_known_at, opened.known_at)
        end as withdrawn_known_at,
        {% if var('late_disputes') == 'recover' -%}
            true
        {%- elif var('late_disputes') == 'until_window_close' -%}
            opened.known_at < opened.paying_window_ends_at
        {%- elif var('late_disputes') == 'absorb' -%}
            opened.occurred_at < opened.release_at
            and opened.known_at < opened.paying_window_ends_at
        {%- else -%}
            {{ exceptions.raise_compiler_error(
                "late_disputes is '" ~ var('late_disputes')
                ~ "'; use absorb, until_window_close or recover"
            ) }}
        {%- endif %} as is_in_time
    from opened
    left join outcomes
        on
            opened.seller_id = outcomes.seller_id
            and opened.order_id = outcomes.order_id
            and opened.dispute_id = outcomes.dispute_id

)

select * from final
