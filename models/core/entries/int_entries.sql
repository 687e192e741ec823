{{
    config(
        materialized='table',
        unique_key=['seller_id', 'entry_type', 'source_id'],
        indexes=[
            {'columns': ['seller_id', 'order_id']},
            {'columns': ['seller_id', 'entry_type', 'source_id'], 'unique': true},
        ],
    )
}}

with

build as not materialized (

    select * from {{ ref('int_build') }}

),

-- Only what became or becomes available since the latest close: what is older is in the closes.
entries as (

    select * from {{ ref('int_entries__known') }}
    where
        amount_minor <> 0
        and not is_settled_elsewhere
        and available_at >= (select build.stored_until from build)

),

stored as not materialized (

    select * from {{ ref('stg_finance__window_close_entries') }}
    where {{ var('use_stored_closes') }}

),

-- Where a fact of the windows that are compared again was edited, its seller's sums differ.
contradicted as (

    select seller_id from {{ ref('int_close_contradictions') }}

),

-- What an order has is available no earlier than the order: where no close holds the order itself,
-- none holds any of it, unless a fact was moved to it since. That spares nearly all entries a
-- look-up of their own.
new_orders as (

    select
        orders.seller_id,
        orders.order_id
    from {{ ref('int_orders') }} as orders
    where
        greatest(orders.known_at, orders.release_at) >= (select build.stored_until from build)
        and orders.seller_id not in (select contradicted.seller_id from contradicted)
        and not exists (
            select 1 from stored
            where
                stored.seller_id = orders.seller_id
                and stored.source_id = orders.order_id
                and stored.entry_type = 'order'
            order by stored.source_id
            offset 0
        )

),

-- An entry counts once: one that a close holds stays there, even where an edited seller or fact
-- would now make it available later. The comparison with the closes shows it. A fact of windows
-- that are not compared again happened before the scope, but an outcome may seem to have happened
-- later: both are looked up. The offset has each looked up by its key: a join would read all that
-- was ever stored.
final as (

    select
        entries.entry_type,
        entries.entry_detail,
        entries.source_id,
        entries.order_id,
        entries.seller_id,
        entries.amount_minor,
        entries.occurred_at,
        entries.known_at,
        entries.available_at,
        {{ window_starts_at('entries.available_at') }} as window_starts_at
    from entries
    left join new_orders
        on
            entries.seller_id = new_orders.seller_id
            and entries.order_id = new_orders.order_id
            and entries.occurred_at >= (select build.scope_from from build)
            and entries.entry_type not like 'dispute%'
    where
        new_orders.order_id is not null
        or not exists (
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
