with

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

line_windows as (

    select
        line_windows.line_id,
        line_windows.seller_id,
        line_windows.entry_window,
        line_windows.retaken_minor,
        lines.payout_window,
        lines.returned_at is null as is_standing
    from {{ ref('stg_finance__line_windows') }} as line_windows
    inner join lines on line_windows.line_id = lines.line_id

),

closes as (

    select * from {{ ref('stg_finance__window_closes') }}

),

items as (

    select
        line_windows.*,
        close_entries.entry_type,
        close_entries.source_id,
        close_entries.order_id,
        close_entries.amount_minor,
        close_entries.occurred_at,
        close_entries.known_at
    from line_windows
    inner join {{ ref('stg_finance__window_close_entries') }} as close_entries
        on
            line_windows.seller_id = close_entries.seller_id
            and line_windows.entry_window = close_entries.payout_window

    union all

    -- The seller has this money already: an earlier line came back, was paid again with a later
    -- one, and completed after all.
    select
        line_windows.*,
        'completed_after_all' as entry_type,
        lines.line_id as source_id,
        null as order_id,
        -lines.amount_minor as amount_minor,
        lines.retaken_at as occurred_at,
        lines.retaken_at as known_at
    from line_windows
    inner join closes on line_windows.entry_window = closes.payout_window
    inner join lines
        on
            line_windows.seller_id = lines.seller_id
            and closes.window_starts_at <= lines.retaken_at
            and closes.window_ends_at > lines.retaken_at
    where line_windows.retaken_minor <> 0

),

final as (

    select
        line_id,
        payout_window,
        seller_id::text as seller_id,
        is_standing,
        entry_window,
        entry_window <> payout_window as is_carried_in,
        entry_type,
        source_id::text as source_id,
        order_id::text as order_id,
        {{ money('amount_minor') }} as amount,
        occurred_at,
        known_at
    from items

)

select * from final
