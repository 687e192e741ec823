-- Fails if a row is held for a reason that finance.hold_reasons does not have, or a row of a closed
-- window lacks what a payment needs and is not held for that. The open window shows no holds: what
-- its lines have moved since the build is in its net already. Of the windows since the scope
-- begins: older rows are as stored.

with

settlement as (

    select * from {{ ref('int_settlement') }}
    where window_ends_at > (select build.scope_from from {{ ref('int_build') }} as build)

),

closed as (

    select payout_window from {{ ref('int_windows') }}
    where is_closed

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
    or (
        settlement.payout_window in (select closed.payout_window from closed)
        and (
            (settlement.rail is null and 'no_rail' <> all(settlement.hold_reasons))
            or (settlement.wallet_address = '' and 'wallet_missing' <> all(settlement.hold_reasons))
            or (
                settlement.net_minor <= 0
                and not settlement.hold_reasons && array['nothing_due', 'negative_balance']
            )
        )
    )
