-- One row per fact that the next close must remember beside its entries: without an entry, posted,
-- or settled elsewhere. What the first close saw of those is remembered with its window.

with

build as not materialized (

    select * from {{ ref('int_build') }}

),

final as (

    select
        {{ source_table_of('known.entry_type') }} as source_table,
        known.source_id,
        known.order_id,
        known.seller_id,
        known.posted_at,
        {{ window_starts_at(
            'greatest(known.available_at, (select build.opened_at from build))'
        ) }} as window_starts_at
    from {{ ref('int_entries__known') }} as known
    {{ with_remembered('known') }}
    where
        (
            known.amount_minor = 0
            or known.posted_at is not null
            or known.is_settled_elsewhere
        )
        and known.entry_type not in ('holdback', 'adjustment', 'opening_balance')
        and known.available_at >= (select build.stored_until from build)
        -- One that was edited since a close remembered it stays there.
        and {{ is_not_remembered('known') }}

)

select * from final
