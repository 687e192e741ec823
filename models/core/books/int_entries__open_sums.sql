{{ config(materialized='table') }}

-- The sums of int_entries__closed_sums, of the entries that no close has. A table, as each view of
-- the books reads it, and there may be a million entries.

with

build as (

    select * from {{ ref('int_build') }}

),

entries as (

    select * from {{ ref('int_entries') }}

),

final as (

    select
        entries.window_starts_at,
        entries.entry_type,
        {{ entry_detail('entries', 'order_fees.fee_type') }} as entry_detail,
        {{ settlement_day('entries.known_at') }} as known_on,
        case
            when entries.available_at <= build.as_of
                then {{ settlement_month('entries.available_at') }}
            else 'infinity'
        end as available_in,
        sum(entries.amount_minor)::bigint as amount_minor
    from {{ with_details('entries') }}
    cross join build
    left join {{ ref('int_order_fees') }} as order_fees
        on
            entries.entry_type in ('fee', 'tax')
            and entries.seller_id = order_fees.seller_id
            and entries.source_id = order_fees.fee_id
    where entries.available_at >= build.stored_until
    group by 1, 2, 3, 4, 5

)

select * from final
