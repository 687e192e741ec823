-- One row per local day on which what is owed to sellers moved: by entries that became known, by
-- lines that were frozen or came back. Stored closes come summed, only the rest entry by entry.

with

build as (

    select * from {{ ref('int_build') }}

),

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

moves as (

    select
        known_on as moved_on,
        entry_type as move_type,
        amount_minor
    from {{ ref('int_entries__stored_sums') }}

    union all

    select
        {{ settlement_day('entries.known_at') }} as moved_on,
        entries.entry_type as move_type,
        entries.amount_minor
    from {{ ref('int_entries') }} as entries
    cross join build
    where entries.available_at >= build.stored_until

    union all

    select
        {{ settlement_day('steps.happened_at') }} as moved_on,
        steps.move_type,
        steps.sign * lines.amount_minor as amount_minor
    from lines
    inner join lateral (
        values
        ('sent', 1, lines.frozen_at),
        ('came_back', 1, lines.returned_at),
        ('completed_after_all', 1, lines.retaken_at),
        (
            'paid', 1,
            case when lines.line_state in ('completed', 'returned') then lines.outcome_at end
        ),
        -- What was sent back had been paid.
        ('paid', -1, case when lines.line_state = 'returned' then lines.returned_at end)
    ) as steps (move_type, sign, happened_at) on steps.happened_at is not null

    union all

    -- What the marketplace bears counts on the last day of the window in which it became known.
    select
        {{ settlement_day('closes.window_ends_at') }} - 1 as moved_on,
        'absorbed' as move_type,
        closes.absorbed_disputes_minor as amount_minor
    from {{ ref('stg_finance__window_closes') }} as closes
    cross join build
    where closes.window_ends_at <= build.stored_until

    union all

    select
        {{ settlement_day(window_ends_at('disputes.opened_known_at')) }} - 1 as moved_on,
        'absorbed' as move_type,
        disputes.opened_minor as amount_minor
    from {{ ref('int_disputes') }} as disputes
    cross join build
    where not disputes.is_in_time and disputes.opened_known_at >= build.stored_until

),

final as (

    select
        {%- for column, sign, types in entry_columns() + [
            ('sent', '', "'sent'"),
            ('came_back', '', "'came_back'"),
            ('completed_after_all', '', "'completed_after_all'"),
            ('paid', '', "'paid'"),
            ('absorbed_disputes', '', "'absorbed'"),
        ] %}
            coalesce({{ sign }}sum(amount_minor) filter (where move_type in ({{ types }})), 0)
                as {{ column }}_minor,
        {%- endfor %}
        moved_on
    from moves
    group by moved_on

)

select * from final
