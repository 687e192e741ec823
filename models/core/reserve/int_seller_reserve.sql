{{ config(materialized='table', indexes=[{'columns': ['seller_id'], 'unique': true}]) }}

-- One row per seller with a known entry: balances as of the build, before the lines since the
-- latest stored close. Starts from what that close left, adds the entries since.

with

build as (

    select * from {{ ref('int_build') }}

),

-- Read twice, as keeping so many rows for the second time costs more.
entries as not materialized (

    select
        entries.seller_id,
        entries.amount_minor,
        entries.available_at,
        entries.available_at > build.as_of as is_pending
    from {{ ref('int_entries') }} as entries
    cross join build

),

opening as (

    select
        close_rows.seller_id,
        close_rows.net_minor
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join {{ ref('int_window_closes__as_of') }} as closes
        on close_rows.payout_window = closes.payout_window
    cross join build
    where closes.window_ends_at = build.stored_until

),

sums as (

    select
        entries.seller_id,
        coalesce(sum(entries.amount_minor) filter (where entries.is_pending), 0)::bigint
            as pending_minor,
        coalesce(sum(entries.amount_minor) filter (
            where not entries.is_pending and entries.available_at >= build.stored_until
        ), 0)::bigint as available_minor,
        min(entries.available_at) filter (where entries.is_pending) as next_release_at
    from entries
    cross join build
    group by entries.seller_id

),

next_releases as (

    select
        sums.seller_id,
        sum(entries.amount_minor)::bigint as next_release_minor
    from sums
    inner join entries
        on sums.seller_id = entries.seller_id and sums.next_release_at = entries.available_at
    group by sums.seller_id

),

disputed as (

    select
        claims.seller_id,
        sum(claims.effective_minor)::bigint as disputed_minor
    from {{ ref('int_claims') }} as claims
    inner join {{ ref('int_disputes') }} as disputes
        on
            claims.seller_id = disputes.seller_id
            and claims.claim_id = disputes.opened_event_id
    where claims.claim_type = 'dispute_opened' and not disputes.has_outcome
    group by claims.seller_id

),

-- With an entry in a close, or since. What came too late for its close is no entry: were its seller
-- known by the order, then only in builds that look that far back.
known as (

    select seller_id from sums

    union

    select close_rows.seller_id
    from {{ ref('stg_finance__window_close_rows') }} as close_rows
    where {{ var('use_stored_closes') }}

),

final as (

    select
        known.seller_id,
        build.stored_until,
        coalesce(sums.pending_minor, 0) as pending_minor,
        coalesce(opening.net_minor, 0) + coalesce(sums.available_minor, 0) as available_minor,
        coalesce(disputed.disputed_minor, 0) as disputed_minor,
        sums.next_release_at,
        next_releases.next_release_minor
    from known
    cross join build
    left join sums on known.seller_id = sums.seller_id
    left join opening on known.seller_id = opening.seller_id
    left join next_releases on known.seller_id = next_releases.seller_id
    left join disputed on known.seller_id = disputed.seller_id

)

select * from final
