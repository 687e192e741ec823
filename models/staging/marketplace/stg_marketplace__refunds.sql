-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
select
    -- ids
    refund_id collate "C" as refund_id,
    order_id collate "C" as order_id,
    seller_id collate "C" as seller_id,

    -- text
    reason,

    -- amounts
    amount,
    {{ minor('amount') }} as amount_minor,

    -- timestamps
    refunded_at,
    greatest(refunded_at, recorded_at) as known_at

from {{ source('marketplace', 'refunds') }}
