select
    seller_id,
    display_name,
    region,
    seller_status,
    payouts_enabled,
    wallet_address,
    rail,
    rail_currency
from {{ ref('int_seller_accounts') }}
