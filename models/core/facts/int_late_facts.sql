{{ config(materialized='table') }}

-- One row per fact that no stored close saw, though its own instant lies before the end of the
-- latest; and per fact that a close posted. posted_at is the end of the window whose close should
-- have had it: from then on it counts as known, where it would have been available before.

with

latest as (

    select * from {{ ref('stg_finance__window_closes') }}
    order by window_starts_at desc
    limit 1

),

candidates as (

    select * from {{ ref('int_late_facts__candidates') }}

),

unseen as (

    select candidates.* from candidates
    where
        not exists (
            select 1 from {{ ref('stg_finance__window_close_facts') }} as close_facts
            where
                close_facts.seller_id = candidates.seller_id
                and close_facts.source_table = candidates.source_table
                and close_facts.source_id = candidates.source_id
        )
        and not exists (
            select 1 from {{ ref('stg_finance__window_close_entries') }} as close_entries
            where
                close_entries.seller_id = candidates.seller_id
                and close_entries.source_id = candidates.source_id
                and {{ source_table_of('close_entries.entry_type') }} = candidates.source_table
        )

),

final as (

    select
        unseen.source_table,
        unseen.source_id,
        unseen.seller_id,
        unseen.order_id,
        unseen.amount,
        unseen.event_type,
        unseen.is_misdated,
        unseen.known_at,
        latest.window_ends_at as posted_at
    from unseen
    cross join latest

    union all

    select
        close_facts.source_table,
        close_facts.source_id,
        close_facts.seller_id,
        close_facts.order_id,
        null as amount,
        null as event_type,
        null as is_misdated,
        null as known_at,
        close_facts.posted_at
    from {{ ref('stg_finance__window_close_facts') }} as close_facts
    where close_facts.posted_at is not null

)

select * from final
