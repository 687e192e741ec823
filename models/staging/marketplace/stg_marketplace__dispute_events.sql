-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
{% set source_events = source('marketplace', 'dispute_events') -%}
{% set optional = optional_columns(source_events, {'landed_xid': landed_always()}) -%}
select
    -- ids
    {{ seller_key() }} as seller_id,
    dispute_event_id collate "C" as dispute_event_id,
    dispute_id collate "C" as dispute_id,
    order_id collate "C" as order_id,
    {{ optional.landed_xid }} as landed_xid,

    -- text
    event_type,

    -- amounts
    amount,

    -- timestamps
    occurred_at,
    greatest(occurred_at, recorded_at) as known_at,
    {{ listed_at('occurred_at', 'recorded_at') }} as listed_at,

    -- booleans
    {{ is_misdated('occurred_at', 'recorded_at') }} as is_misdated

from {{ source_events }}
