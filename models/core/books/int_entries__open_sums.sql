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
        entries.entry_detail,
        {{ settlement_day('entries.known_at') }} as known_on,
        case
            when entries.available_at <= build.as_of
                then {{ settlement_month('entries.available_at') }}
            else 'infinity'
        end as available_in,
        sum(entries.amount_minor)::bigint as amount_minor
    from entries
    cross join build
    where entries.available_at >= build.stored_until
    group by 1, 2, 3, 4, 5

)

select * from final
