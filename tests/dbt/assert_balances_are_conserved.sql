-- Fails if a seller's money is lost or made: what the latest stored close left, plus the entries
-- and line moves since, must be the reserve's pending + available; and what of it falls up to the
-- open window must be that window's net.

with

build as (

    select * from {{ ref('int_build') }}

),

open_window as (

    select * from {{ ref('windows') }}
    where not is_closed

),

-- Statuses are live: a line that moved since the build began is in some of the figures only.
still_moving as (

    select seller_id from {{ ref('int_payout_lines__as_of') }}
    where greatest(frozen_at, outcome_at, returned_at, retaken_at) > (select build.as_of from build)

),

balances as (

    select
        close_rows.seller_id,
        close_rows.net_minor as balance_minor,
        true as is_in_open_window
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on close_rows.payout_window = closes.payout_window
    cross join build
    where closes.window_ends_at = build.stored_until

    union all

    select
        entries.seller_id,
        entries.amount_minor as balance_minor,
        entries.available_at < open_window.window_ends_at as is_in_open_window
    from {{ ref('int_entries') }} as entries
    cross join build
    cross join open_window
    where entries.available_at >= build.stored_until

    union all

    select
        moves.seller_id,
        moves.amount_minor as balance_minor,
        true as is_in_open_window
    from {{ ref('int_line_moves') }} as moves
    cross join build
    where moves.moved_at >= build.stored_until

),

expected as (

    select
        seller_id,
        sum(balance_minor) as whole_minor,
        coalesce(sum(balance_minor) filter (where is_in_open_window), 0) as open_minor
    from balances
    group by seller_id

),

settled as (

    select settlement.* from {{ ref('int_settlement') }} as settlement
    inner join open_window on settlement.payout_window = open_window.payout_window

),

reserve as (

    select * from {{ ref('seller_reserve') }}

)

select
    coalesce(expected.seller_id, reserve.seller_id) as seller_id,
    expected.whole_minor,
    reserve.pending_balance + reserve.available_balance as reserve_balance,
    expected.open_minor,
    settled.net_minor
from expected
full outer join reserve on expected.seller_id = reserve.seller_id
left join settled on coalesce(expected.seller_id, reserve.seller_id) = settled.seller_id
where
    coalesce(expected.seller_id, reserve.seller_id) not in (
        select still_moving.seller_id from still_moving
    )
    and (
        coalesce(expected.whole_minor, 0)
        <> coalesce(100 * (reserve.pending_balance + reserve.available_balance), 0)
        or coalesce(expected.open_minor, 0) <> coalesce(settled.net_minor, 0)
    )
