-- One row per fact that was posted: it came after the close that should have had it. For
-- information; nobody has to do anything. Of stored windows as their closes remember it.

with

closes as (

    select * from {{ ref('int_window_closes__as_of') }}

),

stored as (

    select
        {{ source_table_of('close_entries.entry_type') }} as source_table,
        close_entries.source_id,
        close_entries.seller_id,
        close_entries.amount_minor,
        close_entries.known_at
    from {{ ref('stg_finance__window_close_entries') }} as close_entries
    where close_entries.entry_type <> 'holdback'

),

remembered as (

    select
        close_facts.source_table,
        close_facts.source_id,
        close_facts.seller_id,
        coalesce(stored.amount_minor, 0) as amount_minor,
        coalesce(stored.known_at, close_facts.posted_at) as known_at
    from {{ ref('stg_finance__window_close_facts') }} as close_facts
    inner join closes on close_facts.payout_window = closes.payout_window
    left join stored
        on
            close_facts.seller_id = stored.seller_id
            and close_facts.source_id = stored.source_id
            and close_facts.source_table = stored.source_table
    where close_facts.posted_at is not null

),

found as (

    select
        {{ source_table_of('known.entry_type') }} as source_table,
        known.source_id,
        known.seller_id,
        case when known.is_settled_elsewhere then 0 else known.amount_minor end as amount_minor,
        known.known_at
    from {{ ref('int_entries__known') }} as known
    where
        known.posted_at is not null
        and known.available_at
        >= (select coalesce(max(closes.window_ends_at), '-infinity') from closes)

),

both_kinds as (

    select * from remembered

    union all

    select * from found

),

final as (

    select
        source_table,
        source_id,
        seller_id,
        'posted_late' as reason,
        amount_minor,
        known_at
    from both_kinds

)

select * from final
