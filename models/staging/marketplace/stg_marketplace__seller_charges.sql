-- Plain, as the views beside it: Postgres looks no seller up by index through a view with a "with".
{% set source_charges = source('marketplace', 'seller_charges') -%}
{% set optional = optional_columns(source_charges, {
    'note': 'null::text',
    'landed_xid': landed_always(),
}) -%}
select
    -- ids
    {{ seller_key() }} as seller_id,
    charge_id collate "C" as charge_id,
    {{ optional.landed_xid }} as landed_xid,

    -- text
    charge_type,
    {{ optional.note }} as note,

    -- amounts
    amount,

    -- timestamps
    charged_at,
    greatest(charged_at, recorded_at) as known_at,
    {{ listed_at('charged_at', 'recorded_at') }} as listed_at,

    -- booleans
    {{ is_misdated('charged_at', 'recorded_at') }} as is_misdated

from {{ source_charges }}
