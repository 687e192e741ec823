-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
select
    -- ids
    order_id collate "C" as order_id,
    checkout_id collate "C" as checkout_id,
    seller_id collate "C" as seller_id,

    -- text
    currency,

    -- amounts
    gross_amount,
    {{ minor('gross_amount') }} as gross_minor,

    -- timestamps
    ordered_at,
    greatest(ordered_at, recorded_at) as known_at

from {{ source('marketplace', 'orders') }}
