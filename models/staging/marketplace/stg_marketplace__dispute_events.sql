-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
select
    -- ids
    dispute_event_id collate "C" as dispute_event_id,
    dispute_id collate "C" as dispute_id,
    order_id collate "C" as order_id,
    seller_id collate "C" as seller_id,

    -- text
    event_type,

    -- amounts
    amount,
    {{ minor('amount') }} as amount_minor,

    -- timestamps
    occurred_at,
    greatest(occurred_at, recorded_at) as known_at

from {{ source('marketplace', 'dispute_events') }}
