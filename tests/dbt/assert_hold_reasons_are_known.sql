-- Fails if a row is held for a reason that finance.hold_rank does not know, in another order than
-- its, or by nothing although it lacks what a payment needs.

with

settlement as (

    select * from {{ ref('int_settlement') }}

),

ranked as (

    select
        payout_window,
        seller_id,
        net_minor,
        rail,
        wallet_address,
        hold_reasons,
        finance.hold_rank(hold_reasons[1]) as first_rank,
        array(
            select finance.hold_rank(reason)
            from unnest(hold_reasons) as reason
            order by finance.hold_rank(reason) nulls first
        ) as ranks,
        array(
            select finance.hold_rank(reason)
            from unnest(hold_reasons) with ordinality as listed (reason, position)
            order by position
        ) as listed_ranks
    from settlement

)

select
    payout_window,
    seller_id,
    hold_reasons
from ranked
where
    hold_reasons is null
    or array_position(ranks, null) is not null
    or ranks <> listed_ranks
    or (rail is null and coalesce(first_rank, 99) > finance.hold_rank('no_rail'))
    or (wallet_address = '' and coalesce(first_rank, 99) > finance.hold_rank('wallet_missing'))
    or (net_minor <= 0 and coalesce(first_rank, 99) > finance.hold_rank('negative_balance'))
