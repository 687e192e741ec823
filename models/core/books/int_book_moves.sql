-- What moves the books, summed by kind, window and day: entries, what happened to payout lines, and
-- the disputes that the marketplace bears.

with

build as (

    select * from {{ ref('int_build') }}

),

moves as (

    select
        payout_window,
        entry_type as move_type,
        entry_detail as move_detail,
        known_on as moved_on,
        available_in,
        amount_minor
    from {{ ref('int_entries__closed_sums') }}

    union all

    select
        {{ window_label('window_starts_at') }} as payout_window,
        entry_type as move_type,
        entry_detail as move_detail,
        known_on as moved_on,
        available_in,
        amount_minor
    from {{ ref('int_entries__open_sums') }}

    union all

    select
        payout_window,
        step_type as move_type,
        rail as move_detail,
        {{ settlement_day('happened_at') }} as moved_on,
        {{ settlement_month('happened_at') }} as available_in,
        amount_minor
    from {{ ref('int_line_steps') }}

    union all

    -- What the marketplace bears counts on the last day of the window in which it became known.
    select
        closes.payout_window,
        'absorbed_disputes' as move_type,
        '' as move_detail,
        {{ settlement_day('closes.window_ends_at') }} - 1 as moved_on,
        date_trunc('month', {{ settlement_day('closes.window_ends_at') }} - 1)::date
            as available_in,
        closes.absorbed_disputes_minor as amount_minor
    from {{ ref('stg_finance__window_closes') }} as closes
    cross join build
    where closes.window_ends_at <= build.stored_until

    union all

    select
        {{ window_label('disputes.opened_known_at') }} as payout_window,
        'absorbed_disputes' as move_type,
        '' as move_detail,
        {{ settlement_day(window_ends_at('disputes.opened_known_at')) }} - 1 as moved_on,
        date_trunc('month', {{ settlement_day(window_ends_at('disputes.opened_known_at')) }} - 1)
        ::date as available_in,
        disputes.opened_minor as amount_minor
    from {{ ref('int_disputes') }} as disputes
    cross join build
    where
        disputes.is_absorbed
        and disputes.opened_known_at >= build.stored_until

),

final as (

    select
        payout_window,
        move_type,
        move_detail,
        moved_on,
        available_in,
        sum(amount_minor)::bigint as amount_minor
    from moves
    group by 1, 2, 3, 4, 5

)

select * from final
