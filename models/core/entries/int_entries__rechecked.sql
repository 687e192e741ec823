-- One row per entry of the stored windows that are computed again. No table is made of it, as only
-- their sums are compared with the closes.

with

build as not materialized (

    select * from {{ ref('int_build') }}

),

-- Many are of those windows: a planner that took them for few would sort them all to sum them.
entries as (

    select * from {{ ref('int_entries__known') }}
    where
        amount_minor <> 0
        and not is_settled_elsewhere
        and {{ opaque_to_planner('available_at >= (select build.scope_from from build)') }}
        and {{ opaque_to_planner('available_at < (select build.stored_until from build)') }}

),

final as (

    select
        entries.entry_type,
        entries.seller_id,
        entries.amount_minor,
        {{ window_starts_at('entries.available_at') }} as window_starts_at
    from entries

)

select * from final
