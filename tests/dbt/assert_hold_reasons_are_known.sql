-- Fails if a row is held for a reason that finance.hold_reasons does not have, or lacks what a
-- payment needs and is not held for that.

with

settlement as (

    select * from {{ ref('int_settlement') }}

),

reasons as (

    select * from {{ ref('stg_finance__hold_reasons') }}

)

select
    settlement.payout_window,
    settlement.seller_id,
    settlement.hold_reasons
from settlement
where
    settlement.hold_reasons is null
    or not settlement.hold_reasons <@ array(select reasons.hold_reason from reasons)
    or (settlement.rail is null and 'no_rail' <> all(settlement.hold_reasons))
    or (settlement.wallet_address = '' and 'wallet_missing' <> all(settlement.hold_reasons))
    or (
        settlement.net_minor <= 0
        and not settlement.hold_reasons && array['nothing_due', 'negative_balance']
    )
