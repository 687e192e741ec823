{{ config(materialized='table', indexes=[{'columns': ['window_starts_at', 'seller_id']}]) }}

with

build as (

    select * from {{ ref('int_build') }}

),

windows as (

    select * from {{ ref('int_windows') }}

),

moves as (

    select * from {{ ref('int_settlement__moves') }}

),

-- A seller takes part from the first window in which something of theirs moved.
participants as (

    select
        seller_id,
        min(window_starts_at) as first_window_starts_at
    from moves
    group by seller_id

),

running as (

    select
        participants.seller_id,
        windows.payout_window,
        windows.window_starts_at,
        windows.window_ends_at,
        coalesce(moves.gross_minor, 0) as gross_minor,
        coalesce(moves.fees_minor, 0) as fees_minor,
        coalesce(moves.taxes_minor, 0) as taxes_minor,
        coalesce(moves.refunds_minor, 0) as refunds_minor,
        coalesce(moves.disputes_minor, 0) as disputes_minor,
        coalesce(moves.charges_minor, 0) as charges_minor,
        coalesce(moves.adjustments_minor, 0) as adjustments_minor,
        coalesce(moves.order_count, 0) as order_count,
        coalesce(moves.has_entries, false) as has_entries,
        coalesce(moves.new_minor, 0) as new_minor,
        first_value(coalesce(moves.weeks_carried, 0)) over seller as opening_weeks,
        (
            sum(
                coalesce(moves.new_minor, 0) + coalesce(moves.opening_minor, 0)
                + coalesce(moves.line_moves_minor, 0)
            ) over seller
        )::bigint as net_minor
    from participants
    inner join windows on participants.first_window_starts_at <= windows.window_starts_at
    left join moves
        on
            participants.seller_id = moves.seller_id
            and windows.window_starts_at = moves.window_starts_at
    window seller as (
        partition by participants.seller_id
        order by windows.window_starts_at
        rows unbounded preceding
    )

),

-- Each window that carries nothing in starts a new run; weeks_carried counts along the run.
runs as (

    select
        running.*,
        running.net_minor - running.new_minor as carried_forward_minor,
        count(*) filter (where running.net_minor = running.new_minor) over (
            partition by running.seller_id
            order by running.window_starts_at
            rows unbounded preceding
        ) as carry_run
    from running
    cross join build
    where running.window_starts_at >= build.stored_until

),

final as (

    select
        payout_window,
        seller_id,
        window_starts_at,
        window_ends_at,
        gross_minor,
        fees_minor,
        taxes_minor,
        refunds_minor,
        disputes_minor,
        charges_minor,
        adjustments_minor,
        carried_forward_minor,
        net_minor,
        order_count,
        has_entries,
        (
            row_number() over (partition by seller_id, carry_run order by window_starts_at)
            + case when carry_run = 0 then opening_weeks else -1 end
        )::integer as weeks_carried
    from runs

)

select * from final
where has_entries or carried_forward_minor <> 0
