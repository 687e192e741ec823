-- One row per fact that the next close must remember beside its entries: without an entry, or
-- posted.

with

build as (

    select * from {{ ref('int_build') }}

),

final as (

    select
        {{ source_table_of('known.entry_type') }} as source_table,
        known.source_id,
        known.order_id,
        known.seller_id,
        known.posted_at,
        {{ window_starts_at('known.available_at') }} as window_starts_at
    from {{ ref('int_entries__known') }} as known
    where
        (known.amount_minor = 0 or known.posted_at is not null)
        and known.entry_type not in ('holdback', 'adjustment', 'opening_balance')
        and known.available_at >= (select build.stored_until from build)

)

select * from final
