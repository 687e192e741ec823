{{ config(materialized='table', indexes=[{'columns': ['seller_id', 'window_starts_at']}]) }}

with

entries as (

    select
        entry_type,
        seller_id,
        amount_minor,
        window_starts_at
    from {{ ref('int_entries') }}

    union all

    select * from {{ ref('int_entries__rechecked') }}

),

final as (

    select
        seller_id,
        window_starts_at,
        coalesce(sum(amount_minor) filter (where entry_type = 'order'), 0)::bigint as gross_minor,
        coalesce(-sum(amount_minor) filter (where entry_type = 'fee'), 0)::bigint as fees_minor,
        coalesce(-sum(amount_minor) filter (where entry_type = 'refund'), 0)::bigint
            as refunds_minor,
        coalesce(
            -sum(amount_minor) filter (where entry_type in ('dispute_opened', 'dispute_won')), 0
        )::bigint as disputes_minor,
        coalesce(sum(amount_minor) filter (where entry_type = 'adjustment'), 0)::bigint
            as adjustments_minor,
        sum(amount_minor)::bigint as new_minor,
        count(*) filter (where entry_type = 'order')::integer as order_count
    from entries
    group by seller_id, window_starts_at

)

select * from final
