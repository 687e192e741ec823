with

windows as (

    select * from {{ ref('int_backtest_windows') }}

),

disputes as (

    select
        payout_window,
        sum(opened_minor)::bigint as opened_minor,
        sum(recovered_minor)::bigint as recovered_minor,
        sum(avoided_minor)::bigint as avoided_minor,
        sum(charged_later_minor)::bigint as charged_later_minor,
        sum(absorbed_minor)::bigint as absorbed_minor
    from {{ ref('int_backtest_disputes') }}
    group by payout_window

),

due as (

    select
        payout_window,
        sum(net_minor) filter (where not is_held) as paid_minor,
        sum(net_minor) filter (where is_held) as held_minor,
        count(*) filter (where not is_held) as paid_count,
        count(*) filter (where is_delayed) as delayed_count,
        count(*) filter (where is_flagged) as flagged_count,
        count(*) filter (where is_disputed) as disputed_count,
        count(*) filter (where is_flagged and is_disputed) as found_count
    from {{ ref('int_backtest_rows') }}
    group by payout_window

),

debts as (

    select
        payout_window,
        sum(owed_minor) as owed_minor,
        sum(newly_written_off_minor) as written_off_minor,
        count(*) filter (where owed_minor > 0) as seller_count
    from {{ ref('int_backtest_debts') }}
    group by payout_window

),

flagged as (

    select
        payout_window,
        count(*) as seller_count
    from {{ ref('int_seller_health') }}
    where needs_review
    group by payout_window

),

final as (

    select
        windows.payout_window,
        windows.window_ends_at,
        {{ money('coalesce(disputes.opened_minor, 0)') }} as disputes_opened,
        {{ money('coalesce(disputes.recovered_minor, 0)') }} as recovered,
        {{ money('coalesce(disputes.avoided_minor, 0)') }} as avoided,
        {{ money('coalesce(disputes.charged_later_minor, 0)') }} as charged_later,
        {{ money('coalesce(disputes.absorbed_minor, 0)') }} as absorbed,
        {{ money('coalesce(due.paid_minor, 0)') }} as paid,
        {{ money('reserves.reserve_minor') }} as in_reserve,
        {{ money('reserves.held_back_minor') }} as held_back,
        {{ money('coalesce(due.held_minor, 0)') }} as held,
        {{ money('reserves.reserve_minor * windows.days_to_next_close') }} as reserve_money_days,
        {{ money(
            '(reserves.held_back_minor + coalesce(due.held_minor, 0)) * windows.days_to_next_close'
        ) }} as held_money_days,
        {{ money('coalesce(debts.owed_minor, 0)') }} as negative_balances,
        coalesce(debts.seller_count, 0) as sellers_negative,
        {{ money('coalesce(debts.written_off_minor, 0)') }} as written_off,
        coalesce(flagged.seller_count, 0) as sellers_flagged,
        coalesce(due.paid_count, 0) as payouts_made,
        coalesce(due.delayed_count, 0) as payouts_delayed,
        coalesce(due.flagged_count, 0) as rows_flagged,
        coalesce(due.disputed_count, 0) as rows_disputed,
        coalesce(due.found_count, 0) as rows_found,
        round(due.found_count::numeric / nullif(due.flagged_count, 0), 4)::numeric(5, 4)
            as flag_precision,
        round(due.found_count::numeric / nullif(due.disputed_count, 0), 4)::numeric(5, 4)
            as flag_recall,
        round(coalesce(maturity.known_share, 1), 4)::numeric(5, 4) as known_share,
        coalesce(maturity.known_share, 1) >= {{ var('backtest_mature_share') }} as is_mature
    from windows
    inner join {{ ref('int_backtest_reserves') }} as reserves
        on windows.payout_window = reserves.payout_window
    left join disputes on windows.payout_window = disputes.payout_window
    left join due on windows.payout_window = due.payout_window
    left join debts on windows.payout_window = debts.payout_window
    left join flagged on windows.payout_window = flagged.payout_window
    left join {{ ref('int_backtest_maturity') }} as maturity
        on windows.payout_window = maturity.payout_window

)

select * from final
