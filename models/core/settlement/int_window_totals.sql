-- One row per recent closed window: what is new in it by its rows and by its entries, and what is
-- usual.

with

recent as (

    select * from {{ ref('int_windows') }}
    where is_closed
    order by window_starts_at desc
    limit {{ 8 + var('recheck_windows') + 1 }}

),

settlement as (

    select
        settlement.payout_window,
        settlement.window_starts_at,
        sum(settlement.net_minor - settlement.carried_forward_minor)::bigint as new_minor,
        sum(settlement.order_count)::bigint as order_count
    from {{ ref('int_settlement') }} as settlement
    inner join recent on settlement.payout_window = recent.payout_window
    group by settlement.payout_window, settlement.window_starts_at

),

entries as (

    select
        window_starts_at,
        sum(new_minor)::bigint as entries_minor
    from {{ ref('int_window_sums') }}
    group by window_starts_at

),

earlier as (

    select
        settlement.payout_window,
        earlier.new_minor,
        row_number() over (
            partition by settlement.payout_window order by earlier.window_starts_at desc
        ) as windows_ago
    from settlement
    inner join settlement as earlier
        on settlement.window_starts_at > earlier.window_starts_at

),

usual as (

    select
        payout_window,
        percentile_disc(0.5) within group (order by new_minor) as median_minor
    from earlier
    where windows_ago <= 8
    group by payout_window
    having count(*) >= 4

),

final as (

    select
        settlement.payout_window,
        settlement.window_starts_at,
        settlement.new_minor,
        settlement.order_count,
        coalesce(entries.entries_minor, 0) as entries_minor,
        usual.median_minor
    from settlement
    left join entries on settlement.window_starts_at = entries.window_starts_at
    left join usual on settlement.payout_window = usual.payout_window

)

select * from final
