with

settlement as (

    select * from {{ ref('seller_settlement') }}
    where payout_window = (
        select windows.payout_window from {{ ref('windows') }} as windows
        where windows.is_latest_closed
    )

),

-- Held rows include those with nothing due and those of sellers who owe.
waiting as (

    select
        *,
        {{ settlement_day('window_starts_at') }} - 7 * weeks_carried as since_on
    from settlement
    where status = 'held' and net <> 0

),

final as (

    select
        seller_id,
        payout_window,
        case when net < 0 then 'negative' else 'held' end as balance_kind,
        net as balance,
        hold_reason,
        weeks_carried,
        {{ day_starts_at('since_on') }} as since,
        case
            when weeks_carried < 1 then 'this week'
            when weeks_carried < 4 then '2 to 4 weeks'
            when weeks_carried < 12 then '5 to 12 weeks'
            else 'over 12 weeks'
        end as age
    from waiting

)

select * from final
