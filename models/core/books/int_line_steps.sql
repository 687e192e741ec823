-- One row per payout line and thing that happened to it. The amount is what it moves: out of the
-- balance (sent, completed_after_all), back into it (came_back), from under way to paid (paid).

with

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

final as (

    select
        lines.line_id,
        lines.seller_id,
        lines.payout_window,
        lines.rail,
        steps.step_type,
        steps.is_undone,
        case when steps.is_undone then -lines.amount_minor else lines.amount_minor end
            as amount_minor,
        steps.happened_at
    from lines
    inner join lateral (
        values
        ('sent', false, lines.frozen_at),
        ('came_back', false, lines.returned_at),
        ('completed_after_all', false, lines.retaken_at),
        (
            'paid', false,
            case when lines.line_state in ('completed', 'returned') then lines.outcome_at end
        ),
        -- What was sent back had been paid.
        ('paid', true, case when lines.line_state = 'returned' then lines.returned_at end)
    ) as steps (step_type, is_undone, happened_at) on steps.happened_at is not null

)

select * from final
