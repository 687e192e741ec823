{{
    config(
        materialized='table',
        indexes=[{'columns': ['payout_window', 'seller_id'], 'unique': true}],
    )
}}

with

balances as (

    select * from {{ ref('int_settlement__balances') }}

),

attributes as (

    select * from {{ ref('int_seller_attributes') }}

),

-- In the order in which the first one is shown.
holds as (

    select
        found.payout_window,
        found.seller_id,
        array_agg(found.reason order by reasons.hold_rank) as reasons,
        (array_agg(found.detail order by reasons.hold_rank))[1] as detail
    from {{ ref('int_holds') }} as found
    left join {{ ref('stg_finance__hold_reasons') }} as reasons
        on found.reason = reasons.hold_reason
    group by found.payout_window, found.seller_id

),

final as (

    select
        balances.payout_window,
        balances.seller_id,
        balances.window_starts_at,
        balances.window_ends_at,
        balances.gross_minor,
        balances.fees_minor,
        balances.taxes_minor,
        balances.refunds_minor,
        balances.disputes_minor,
        balances.charges_minor,
        balances.adjustments_minor,
        balances.carried_forward_minor,
        balances.net_minor,
        balances.order_count,
        balances.has_entries,
        balances.weeks_carried,
        attributes.rail,
        attributes.rail_currency,
        coalesce(attributes.wallet_address, '') as wallet_address,
        coalesce(attributes.region, '') as region,
        coalesce(attributes.seller_status, 'unknown') as seller_status,
        coalesce(holds.reasons, '{}'::text[]) as hold_reasons,
        holds.detail as hold_detail
    from balances
    left join attributes
        on
            balances.payout_window = attributes.payout_window
            and balances.seller_id = attributes.seller_id
    left join holds
        on
            balances.payout_window = holds.payout_window
            and balances.seller_id = holds.seller_id

)

select * from final
