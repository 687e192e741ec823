-- The rule book: one row per seller, window and reason not to pay it. finance.hold_reasons ranks
-- them; what can arise after the close is asked again before a payout.

with

blocked as (

    select account from {{ ref('int_wallet_blocks__as_of') }}

),

held as (

    select * from {{ ref('int_seller_holds__as_of') }}

),

seen as (

    select
        balances.payout_window,
        balances.seller_id,
        balances.net_minor,
        extract(day from {{ settlement_day('balances.window_ends_at') }} - 1) as sunday,
        attributes.seller_status,
        -- A source that does not say so has verified nobody; whoever it has lost is closed.
        coalesce(attributes.payouts_enabled, attributes.seller_id is null) as payouts_enabled,
        attributes.payout_schedule,
        {{ cents('attributes.payout_minimum') }} as own_minor,
        attributes.rail,
        minimums.amount_minor as minimum_minor,
        coalesce(attributes.wallet_address, '') as wallet_address,
        wallets.is_checked,
        wallets.address_format,
        wallets.is_valid,
        wallets.is_payable,
        wallets.is_checksummed,
        wallets.is_shared,
        blocked.account is not null as is_blocked,
        wallets.detail,
        wallets.changed_at >= balances.window_ends_at
        + make_interval(
            mins => {{ var('close_lag_minutes') }}, hours => -{{ var('wallet_change_hours') }}
        ) as is_wallet_changed,
        failures.consecutive_failures >= 3 as is_failing,
        reviews.is_held or held.hold_id is not null as is_reviewed,
        balances.net_minor > maximum.amount_minor
        or (
            balances.net_minor > {{ var('unusual_line_ratio') }} * usual.median_minor
            and balances.net_minor > {{ cents(var('unusual_line_amount')) }}
        ) as is_unusual
    from {{ ref('int_settlement__balances') }} as balances
    inner join {{ ref('int_policies__as_of') }} as maximum on maximum.policy_name = 'maximum_line'
    left join {{ ref('int_seller_attributes') }} as attributes
        on
            balances.payout_window = attributes.payout_window
            and balances.seller_id = attributes.seller_id
    left join {{ ref('int_policies__as_of') }} as minimums
        on attributes.rail = minimums.rail and minimums.policy_name = 'minimum_line'
    left join {{ ref('int_wallets') }} as wallets on balances.seller_id = wallets.seller_id
    left join blocked
        on finance.wallet_account(attributes.wallet_address) = blocked.account
    left join {{ ref('int_seller_reviews') }} as reviews
        on
            balances.payout_window = reviews.payout_window
            and balances.seller_id = reviews.seller_id
    left join {{ ref('int_failures_in_a_row') }} as failures
        on balances.seller_id = failures.seller_id
    left join {{ ref('int_usual_lines') }} as usual on balances.seller_id = usual.seller_id
    left join held on balances.seller_id = held.seller_id

),

final as (

    select
        seen.payout_window,
        seen.seller_id,
        rules.reason,
        rules.detail
    from seen
    inner join lateral (
        values
        ('nothing_due', seen.net_minor = 0, null),
        ('negative_balance', seen.net_minor < 0, null),
        -- A team's own view may have states that nobody here knows.
        ('seller_suspended', seen.seller_status not in ('active', 'closed'), null),
        ('seller_closed', coalesce(seen.seller_status, 'closed') = 'closed', null),
        ('not_verified', not seen.payouts_enabled, null),
        ('no_rail', seen.rail is null, null),
        ('wallet_missing', seen.wallet_address = '', null),
        ('wallet_unchecked', seen.wallet_address <> '' and not seen.is_checked, null),
        (
            'wallet_invalid',
            seen.is_checked and (not seen.is_valid or seen.address_format <> seen.rail),
            case when seen.is_valid then 'looks like ' || seen.address_format else seen.detail end
            || case when seen.address_format <> seen.rail then ', rail is ' || seen.rail else '' end
        ),
        ('wallet_not_payable', seen.is_valid and not seen.is_payable, seen.detail),
        ('wallet_blocked', seen.is_blocked, null),
        ('wallet_unchecksummed', seen.is_valid and not seen.is_checksummed, seen.detail),
        ('wallet_shared', seen.wallet_address <> '' and seen.is_shared, null),
        ('wallet_changed', seen.is_wallet_changed, null),
        ('repeated_failure', seen.is_failing, null),
        ('manual_review', seen.is_reviewed, null),
        ('above_maximum', seen.is_unusual, null),
        ('seller_paused', seen.payout_schedule = 'paused', null),
        -- With the first window whose Sunday lies in a calendar month.
        ('not_scheduled', seen.payout_schedule = 'monthly' and seen.sunday > 7, null),
        ('below_seller_minimum', seen.net_minor > 0 and seen.net_minor < seen.own_minor, null),
        ('below_minimum', seen.net_minor > 0 and seen.net_minor < seen.minimum_minor, null)
    ) as rules (reason, applies, detail) on rules.applies

)

select * from final
