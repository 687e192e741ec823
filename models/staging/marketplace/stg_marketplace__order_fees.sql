-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
{% set source_fees = source('marketplace', 'order_fees') -%}
{% set optional = optional_columns(source_fees, {'landed_xid': landed_always()}) -%}
select
    -- ids
    {{ seller_key() }} as seller_id,
    fee_id collate "C" as fee_id,
    order_id collate "C" as order_id,
    {{ optional.landed_xid }} as landed_xid,

    -- text
    fee_type,

    -- amounts
    amount,

    -- timestamps
    charged_at,
    greatest(charged_at, recorded_at) as known_at,
    {{ listed_at('charged_at', 'recorded_at') }} as listed_at,

    -- booleans
    {{ is_misdated('charged_at', 'recorded_at') }} as is_misdated

from {{ source_fees }}
