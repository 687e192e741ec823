-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
select
    -- ids
    fee_id collate "C" as fee_id,
    order_id collate "C" as order_id,
    seller_id collate "C" as seller_id,

    -- text
    fee_type,

    -- amounts
    amount,
    {{ minor('amount') }} as amount_minor,

    -- timestamps
    charged_at,
    greatest(charged_at, recorded_at) as known_at

from {{ source('marketplace', 'order_fees') }}
