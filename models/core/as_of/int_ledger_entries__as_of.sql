-- What the rail had told by the instant this schema shows.

with

entries as (

    select
        *,
        first_value(entry_type) over (
            partition by payout_id
            order by entry_type ~* 'fee', amount, ledger_entry_id
        ) as type_of_largest
    from {{ ref('stg_halfin__ledger_entries') }}
    where recorded_at <= {{ status_as_of() }}

),

final as (

    select
        rail_currency,
        ledger_entry_id,
        payout_id,
        entry_type,
        case
            when payout_id is not null
                then finance.ledger_kind(entry_type, amount, type_of_largest)
        end as entry_kind,
        amount,
        created_at,
        recorded_at
    from entries

)

select * from final
