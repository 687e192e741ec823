{{ config(materialized='table') }}

-- One row per seller and stored window that is computed again: what its facts say now.

with

entries as (

    select
        entry_type,
        seller_id,
        amount_minor,
        window_starts_at
    from {{ ref('int_entries__rechecked') }}

),

-- By type first, so that few rows are asked which column they belong to.
by_type as (

    select
        seller_id,
        window_starts_at,
        entry_type,
        sum(amount_minor) as amount_minor,
        count(*) as entry_count
    from entries
    group by seller_id, window_starts_at, entry_type

),

final as (

    select
        seller_id,
        window_starts_at,
        {{ entry_sums() }}
    from by_type
    group by seller_id, window_starts_at

)

select * from final
