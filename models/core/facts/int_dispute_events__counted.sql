-- One row per event of an opened dispute, from when on it counts. Of a dispute's events in that
-- order, one that opens what is open has no effect.

with

events as (

    select
        events.*,
        events.is_settled_elsewhere
        and (events.event_type = 'opened' or disputes.is_opened_elsewhere)
            as is_counted_elsewhere,
        -- What waited for its opening did not come late.
        case
            when
                events.event_type = 'opened'
                or disputes.opened_posted_at is not null
                or disputes.opened_known_at < events.posted_at
                then events.posted_at
        end as counted_posted_at,
        disputes.is_in_time,
        disputes.withdrawn_known_at,
        -- An outcome counts no earlier than what it is the outcome of.
        case
            when events.event_type = 'opened' then events.occurred_at
            else greatest(events.occurred_at, disputes.opened_at)
        end as counted_at,
        greatest(events.known_at, disputes.opened_known_at) as counted_known_at,
        (events.event_type <> 'opened')::integer as event_rank
    from {{ ref('int_dispute_events') }} as events
    inner join {{ ref('int_disputes') }} as disputes
        on
            events.seller_id = disputes.seller_id
            and events.order_id = disputes.order_id
            and events.dispute_id = disputes.dispute_id

),

final as (

    select
        seller_id,
        order_id,
        dispute_id,
        dispute_event_id,
        event_type,
        event_rank,
        amount,
        cents_per_unit,
        is_in_time,
        event_type <> 'opened' or coalesce(lag(event_type) over dispute <> 'opened', true)
            as is_effective,
        counted_at,
        counted_known_at,
        counted_posted_at,
        is_counted_elsewhere,
        withdrawn_known_at,
        release_at
    from events
    window dispute as (
        partition by seller_id, order_id, dispute_id
        order by counted_known_at, counted_at, event_rank, dispute_event_id
    )

)

select * from final
