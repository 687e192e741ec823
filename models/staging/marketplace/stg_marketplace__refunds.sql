-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
{% set source_refunds = source('marketplace', 'refunds') -%}
{% set optional = optional_columns(source_refunds, {
    'reverses_refund_id': 'null::text',
    'landed_xid': landed_always(),
}) -%}
select
    -- ids
    {{ seller_key() }} as seller_id,
    refund_id collate "C" as refund_id,
    order_id collate "C" as order_id,
    {{ optional.reverses_refund_id }} collate "C" as reverses_refund_id,
    {{ optional.landed_xid }} as landed_xid,

    -- text
    reason,

    -- amounts
    amount,

    -- timestamps
    refunded_at,
    greatest(refunded_at, recorded_at) as known_at,
    {{ listed_at('refunded_at', 'recorded_at') }} as listed_at,

    -- booleans
    {{ is_misdated('refunded_at', 'recorded_at') }} as is_misdated

from {{ source_refunds }}
