{{
    config(
        materialized='table',
        indexes=[{'columns': ['payout_window', 'seller_id'], 'unique': true}],
    )
}}

-- Rates and the score are fractions of whole numbers until they are rounded, once. The score is
-- 100 less a weight for each of three fractions: disputes / (cap x gross), refunds / (cap x gross),
-- and (spike ratio - 1) / cap. macros/exact_score.sql brings them over one denominator.

with

measured as (

    select
        known.payout_window,
        known.seller_id,
        coalesce(sums.gross_minor, 0) as gross,
        coalesce(sums.fees_minor, 0) as fees,
        coalesce(sums.refunds_minor, 0) as refunds,
        coalesce(sums.disputes_minor, 0) as disputes,
        coalesce(sums.last_7_days_minor, 0) as recent,
        coalesce(sums.gross_minor - sums.last_7_days_minor, 0) as earlier,
        -- The last 7 days are compared with those before, as far as the seller's history goes.
        coalesce(
            known.history_days >= 7 and sums.gross_minor > sums.last_7_days_minor, false
        ) as is_comparable,
        known.history_days,
        known.first_ordered_at
    from {{ ref('int_seller_health__histories') }} as known
    left join {{ ref('int_seller_health__sums') }} as sums
        on known.payout_window = sums.payout_window and known.seller_id = sums.seller_id

),

fractions as (

    select
        *,
        case when gross > 0 then gross else 1 end as of_gross,
        case when gross > 0 then least(disputes, gross) else sign(disputes) end as dispute_part,
        greatest(0, case when gross > 0 then least(refunds, gross) else sign(refunds) end)
            as refund_part,
        case when is_comparable then 7 * earlier else 1 end as of_spike,
        case when is_comparable then history_days * recent - 7 * earlier else 0 end as spike_part
    from measured

),

scored as (

    select
        *,
        {{ score_denominator() }} as denominator,
        {{ score_lost() }} as lost
    from fractions

),

shown as (

    select
        *,
        {{ exact_score('lost', 'denominator') }} as health_score
    from scored

),

final as (

    select
        payout_window,
        seller_id,
        {{ money('gross') }} as trailing_30d_gross,
        {{ money('fees') }} as trailing_30d_fees,
        {{ money('disputes') }} as trailing_30d_disputes,
        health_score::numeric(4, 1) as health_score,
        first_ordered_at,
        round(dispute_part / of_gross, 4)::numeric(7, 4) as dispute_rate,
        round(refund_part / of_gross, 4)::numeric(7, 4) as refund_rate,
        -- A mistyped amount after a week of a few cents is more than a column can show.
        case
            when is_comparable
                then least(
                    round(history_days * recent / of_spike, 4), 99999999999999.9999
                )::numeric(18, 4)
        end as spike_ratio,
        array_remove(array[
            case
                when
                    dispute_part >= {{ var('review_dispute_rate') }} * of_gross
                    and disputes >= {{ cents(var('review_dispute_amount')) }}
                    then 'disputes'
            end,
            case
                when
                    is_comparable
                    and history_days * recent >= {{ var('review_spike_ratio') }} * of_spike
                    and recent >= {{ cents(var('review_spike_gross')) }}
                    then 'spike'
            end,
            case
                when not is_comparable and recent >= {{ cents(var('review_new_volume_gross')) }}
                    then 'new_volume'
            end,
            case
                when
                    health_score < {{ var('review_score') }}
                    and gross >= {{ cents(var('review_score_gross')) }}
                    then 'score'
            end
        ], null) as review_reasons
    from shown

)

select
    *,
    cardinality(review_reasons) > 0 as needs_review
from final
