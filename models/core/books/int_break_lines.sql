-- One row per open break and payout line that it names: one line, or all lines of a call.

with

breaks as (

    select * from {{ ref('int_breaks__as_of') }}

),

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

final as (

    select
        breaks.break_id,
        breaks.opened_at,
        lines.line_id,
        lines.seller_id,
        lines.payout_window,
        lines.rail
    from breaks
    inner join lines on breaks.subject = lines.line_id

    union all

    select
        breaks.break_id,
        breaks.opened_at,
        lines.line_id,
        lines.seller_id,
        lines.payout_window,
        lines.rail
    from breaks
    inner join lines on breaks.subject = lines.batch_id || '/' || lines.call_sequence
    where breaks.break_kind = 'missing_payouts'

)

select * from final
