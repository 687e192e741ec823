-- Who was erased stays so here, whatever the source says again.
-- Plain, as the views beside it: Postgres looks no order up by index through a view with a "with".
{% set source_sellers = source('marketplace', 'sellers') -%}
{% set optional = optional_columns(source_sellers, {
    'payout_schedule': "'weekly'",
    'payout_minimum': 'null::numeric',
}) -%}
select
    -- ids
    seller_id collate "C" as seller_id,

    -- text
    coalesce(finance.pseudonym_of(seller_id), display_name) as display_name,
    region,
    case
        when finance.pseudonym_of(seller_id) is null
            then finance.named_wallet(wallet_address)
        else ''
    end collate "C" as wallet_address,
    status as seller_status,
    {{ optional.payout_schedule }} as payout_schedule,

    -- amounts
    {{ optional.payout_minimum }} as payout_minimum,

    -- booleans
    fast_settlement as is_fast_settlement,
    payouts_enabled as is_payouts_enabled,

    -- timestamps
    created_at,
    updated_at

from {{ source_sellers }}
