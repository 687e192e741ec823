-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
{% set source_orders = source('marketplace', 'orders') -%}
{% set optional = optional_columns(source_orders, {
    'exchange_rate': 'null::numeric',
    'landed_xid': landed_always(),
}) -%}
select
    -- ids
    {{ seller_key() }} as seller_id,
    order_id collate "C" as order_id,
    checkout_id collate "C" as checkout_id,
    {{ optional.landed_xid }} as landed_xid,

    -- text
    currency,

    -- amounts
    gross_amount,
    {{ optional.exchange_rate }} as exchange_rate,

    -- timestamps
    ordered_at,
    greatest(ordered_at, recorded_at) as known_at,
    {{ listed_at('ordered_at', 'recorded_at') }} as listed_at,

    -- booleans
    {{ is_misdated('ordered_at', 'recorded_at') }} as is_misdated

from {{ source_orders }}
