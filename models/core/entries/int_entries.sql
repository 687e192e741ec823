{{
    config(
        materialized='table',
        indexes=[{'columns': ['seller_id']}, {'columns': ['order_id']}],
    )
}}

with

build as (

    select * from {{ ref('int_build') }}

),

-- Only what became or becomes available since the latest close: what is older is in the closes.
entries as (

    select * from {{ ref('int_entries__known') }}
    where
        amount_minor <> 0
        and available_at >= (select build.stored_until from build)

),

stored as (

    select * from {{ ref('stg_finance__window_close_entries') }}
    where {{ var('use_stored_closes') }}

),

-- An entry counts once: one that a close holds stays there, even where an edited seller or fact
-- would now make it available later. The comparison with the closes shows it. The offset has each
-- looked up by its key: a join would read all that was ever stored.
final as (

    select
        entries.entry_type,
        entries.source_id,
        entries.order_id,
        entries.seller_id,
        entries.amount_minor,
        entries.occurred_at,
        entries.known_at,
        entries.available_at,
        {{ window_starts_at('entries.available_at') }} as window_starts_at
    from entries
    where
        not exists (
            select 1 from stored
            where
                stored.seller_id = entries.seller_id
                and stored.source_id = entries.source_id
                and stored.entry_type = entries.entry_type
            order by stored.source_id
            offset 0
        )

)

select * from final
