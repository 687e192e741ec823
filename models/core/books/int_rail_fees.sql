-- One row per rail, window and month in which the rail's ledger named fees of the window's lines.
-- The ledger has six decimals, the journal cents: each row is how far it moves the rounded sum of
-- all fees so far, so that the journal never strays from the ledger by more than half a cent.

with

fees as (

    select
        payout_lines.rail,
        payout_lines.payout_window,
        {{ settlement_month('ledger_entries.recorded_at') }} as charged_in,
        -sum(ledger_entries.amount) as amount
    from {{ ref('int_ledger_entries__as_of') }} as ledger_entries
    inner join {{ ref('int_payout_lines__as_of') }} as payout_lines
        on ledger_entries.payout_id = payout_lines.payout_id
    where ledger_entries.entry_kind = 'fee'
    group by 1, 2, 3

),

running as (

    select
        *,
        sum(amount) over (
            partition by rail
            order by charged_in, payout_window
            rows unbounded preceding
        ) as running_amount
    from fees

),

final as (

    select
        rail,
        payout_window,
        charged_in,
        amount,
        {{ settled('running_amount', '100') }} - {{ settled('running_amount - amount', '100') }}
            as amount_minor
    from running

)

select * from final
