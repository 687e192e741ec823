-- One row per reversal that is valid in itself and yet has no effect, or less than it says.

with

unmatched as (

    select
        paired.seller_id,
        paired.order_id,
        paired.refund_id as source_id,
        'reversal_without_refund' as reason,
        {{ settled('paired.amount', 'paired.cents_per_unit') }} as amount_minor,
        true as is_without_effect,
        paired.known_at
    from {{ ref('int_refunds__paired') }} as paired
    left join {{ ref('int_refunds') }} as refunds
        on paired.seller_id = refunds.seller_id and paired.refund_id = refunds.refund_id
    where
        paired.reverses_refund_id is not null
        and refunds.refund_id is null
        and paired.known_at <= {{ as_of() }}

),

reduced as (

    select
        seller_id,
        order_id,
        refund_id as source_id,
        'reversal_above_refund' as reason,
        cut_off_minor as amount_minor,
        claimed_amount = 0 as is_without_effect,
        known_at
    from {{ ref('int_refunds') }}
    where is_reversal and -claimed_amount <> amount

),

final as (

    select * from unmatched

    union all

    select * from reduced

)

select * from final
