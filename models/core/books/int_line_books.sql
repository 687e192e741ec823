-- One row per payout line: where it stands by our books, and what the rail's ledger says of it.

with

lines as (

    select * from {{ ref('int_payout_lines__as_of') }}

),

calls as (

    select * from {{ ref('int_payout_calls__as_of') }}

),

ledger as (

    select
        payout_id,
        count(*) filter (where entry_kind = 'paid') - count(*) filter (where entry_kind = 'back')
            as ledger_count,
        coalesce(-sum(amount) filter (where entry_kind <> 'fee'), 0) as ledger_amount,
        coalesce(-sum(amount) filter (where entry_kind = 'fee'), 0) as ledger_fee
    from {{ ref('int_ledger_entries__as_of') }}
    where payout_id is not null
    group by payout_id

),

-- Unknown is not failed: a line that failed is open until the rail, asked, has confirmed it.
final as (

    select
        lines.line_id,
        lines.payout_window,
        lines.rail,
        lines.amount_minor,
        -- What was paid was sent, whatever was believed of its call.
        calls.call_state = 'accepted' or lines.line_state in ('completed', 'returned') as is_sent,
        case
            when lines.line_state in ('completed', 'returned') then lines.line_state
            when lines.returned_at is null then 'open'
            when lines.line_state = 'rejected' or calls.call_state = 'rejected' then 'refused'
            else 'failed'
        end as standing,
        lines.network_fee + lines.fee_amount as rail_fee,
        coalesce(ledger.ledger_count, 0) as ledger_count,
        coalesce(ledger.ledger_amount, 0) as ledger_amount,
        coalesce(ledger.ledger_fee, 0) as ledger_fee
    from lines
    inner join calls
        on lines.batch_id = calls.batch_id and lines.call_sequence = calls.call_sequence
    left join ledger on lines.payout_id = ledger.payout_id

)

select * from final
