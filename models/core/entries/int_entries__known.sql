-- One row per fact that is known and what it does to the balance: nothing, too (amount 0), and
-- what is settled elsewhere. An order with a holdback is two. One union of all kinds: a cluster
-- gathers a union of unions.

with

facts as (

    select
        'order' as entry_type,
        '' as entry_detail,
        order_id as source_id,
        order_id,
        seller_id,
        gross_minor - holdback_minor as amount_minor,
        ordered_at as occurred_at,
        known_at,
        posted_at,
        release_at,
        {{ is_before_go_live('greatest(first_known_at, release_at)') }} as is_settled_elsewhere
    from {{ ref('int_orders') }}

    union all

    select
        'holdback' as entry_type,
        '' as entry_detail,
        order_id as source_id,
        order_id,
        seller_id,
        holdback_minor as amount_minor,
        ordered_at as occurred_at,
        known_at,
        null as posted_at,
        holdback_until as release_at,
        {{ is_before_go_live('greatest(first_known_at, holdback_until)') }} as is_settled_elsewhere
    from {{ ref('int_orders') }}
    where holdback_minor <> 0

    union all

    select
        case when is_tax then 'tax' else 'fee' end as entry_type,
        coalesce(fee_type, '') as entry_detail,
        fee_id as source_id,
        order_id,
        seller_id,
        -amount_minor as amount_minor,
        charged_at as occurred_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from {{ ref('int_order_fees') }}

    union all

    select
        claim_type as entry_type,
        '' as entry_detail,
        claim_id as source_id,
        order_id,
        seller_id,
        -effective_minor as amount_minor,
        occurred_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from {{ ref('int_claims') }}

    union all

    -- Without a claim: the marketplace bears a late dispute.
    select
        'dispute_' || event_type as entry_type,
        '' as entry_detail,
        dispute_event_id as source_id,
        order_id,
        seller_id,
        0::bigint as amount_minor,
        occurred_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from {{ ref('int_dispute_claims') }}
    where not is_in_time or not is_effective

    union all

    select * from {{ ref('int_entries__of_sellers') }}

),

final as (

    select
        entry_type,
        entry_detail,
        source_id,
        order_id,
        seller_id,
        amount_minor,
        occurred_at,
        known_at,
        posted_at,
        greatest(known_at, release_at) as available_at,
        is_settled_elsewhere
    from facts

)

select * from final
