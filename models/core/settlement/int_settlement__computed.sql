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

wallets as (

    select * from {{ ref('int_wallets') }}

),

health as (

    select * from {{ ref('int_seller_health') }}

),

failures as (

    select * from {{ ref('int_failures_in_a_row') }}

),

usual as (

    select * from {{ ref('int_usual_lines') }}

),

maximum as (

    select amount_minor from {{ ref('int_policies__as_of') }}
    where policy_name = 'maximum_line'

),

minimums as (

    select * from {{ ref('int_policies__as_of') }}
    where policy_name = 'minimum_line'

),

blocked as (

    select wallet_address from {{ ref('stg_finance__wallet_blocks') }}
    where lifted_at is null

),

held as (

    select * from {{ ref('stg_finance__seller_holds') }}
    where lifted_at is null

),

reasons as (

    select * from {{ ref('stg_finance__hold_reasons') }}

),

joined as (

    select
        balances.*,
        attributes.region,
        attributes.seller_status,
        attributes.payouts_enabled,
        attributes.rail,
        attributes.rail_currency,
        minimums.amount_minor as minimum_minor,
        coalesce(attributes.wallet_address, '') as wallet_address,
        wallets.is_checked,
        wallets.address_format,
        wallets.is_valid,
        wallets.is_shared,
        blocked.wallet_address is not null as is_blocked,
        wallets.detail,
        wallets.changed_at >= balances.window_ends_at
        + make_interval(
            mins => {{ var('close_lag_minutes') }}, hours => -{{ var('wallet_change_hours') }}
        ) as is_wallet_changed,
        failures.consecutive_failures >= 3 as is_failing,
        health.needs_review or held.hold_id is not null as is_reviewed,
        balances.net_minor > maximum.amount_minor
        or (
            balances.net_minor > {{ var('unusual_line_ratio') }} * usual.median_minor
            and balances.net_minor > {{ cents(var('unusual_line_amount')) }}
        ) as is_unusual
    from balances
    cross join maximum
    left join attributes
        on
            balances.payout_window = attributes.payout_window
            and balances.seller_id = attributes.seller_id
    left join minimums on attributes.rail = minimums.rail
    left join wallets on balances.seller_id = wallets.seller_id
    left join blocked on attributes.wallet_address = blocked.wallet_address
    left join health
        on
            balances.payout_window = health.payout_window
            and balances.seller_id = health.seller_id
    left join failures on balances.seller_id = failures.seller_id
    left join usual on balances.seller_id = usual.seller_id
    left join held on balances.seller_id = held.seller_id

),

found as (

    select
        *,
        array_remove(array[
            case when net_minor = 0 then 'nothing_due' end,
            case when net_minor < 0 then 'negative_balance' end,
            case when seller_status = 'suspended' then 'seller_suspended' end,
            case when seller_status is null or seller_status = 'closed' then 'seller_closed' end,
            case when not payouts_enabled then 'not_verified' end,
            case when rail is null then 'no_rail' end,
            case when wallet_address = '' then 'wallet_missing' end,
            case when wallet_address <> '' and not is_checked then 'wallet_unchecked' end,
            case
                when is_checked and (not is_valid or address_format <> rail) then 'wallet_invalid'
            end,
            case when is_blocked then 'wallet_blocked' end,
            case when wallet_address <> '' and is_shared then 'wallet_shared' end,
            case when is_wallet_changed then 'wallet_changed' end,
            case when is_failing then 'repeated_failure' end,
            case when is_reviewed then 'manual_review' end,
            case when is_unusual then 'above_maximum' end,
            case
                when net_minor > 0 and net_minor < minimum_minor then 'below_minimum'
            end
        ], null) as found_reasons
    from joined

),

-- In the order in which the first one is shown.
judged as (

    select
        found.*,
        case
            when cardinality(found.found_reasons) < 2 then found.found_reasons
            else array(
                select listed.hold_reason
                from unnest(found.found_reasons) as listed (hold_reason)
                left join reasons on listed.hold_reason = reasons.hold_reason
                order by reasons.hold_rank
            )
        end as hold_reasons
    from found

),

final as (

    select
        payout_window,
        seller_id,
        window_starts_at,
        window_ends_at,
        gross_minor,
        fees_minor,
        refunds_minor,
        disputes_minor,
        adjustments_minor,
        carried_forward_minor,
        net_minor,
        order_count,
        weeks_carried,
        rail,
        rail_currency,
        wallet_address,
        coalesce(region, '') as region,
        coalesce(seller_status, 'unknown') as seller_status,
        hold_reasons,
        case
            when hold_reasons[1] = 'wallet_invalid'
                then
                    detail
                    || case when address_format <> rail then ', rail is ' || rail else '' end
        end as hold_detail
    from judged

)

select * from final
