-- Fails if the last window or month of the roll-forward does not close with what the reserve view
-- owes and has under way, or the periods have not paid what it has paid out.

with

reserve as (

    select
        coalesce(sum(pending_balance + available_balance), 0) as balance,
        coalesce(sum(in_transit), 0) as in_transit,
        coalesce(sum(paid_out), 0) as paid_out
    from {{ ref('seller_reserve') }}

),

rollforward as (

    select
        period_type,
        (array_agg(closing_balance order by starts_at desc))[1] as closing_balance,
        (array_agg(closing_in_transit order by starts_at desc))[1] as closing_in_transit,
        sum(paid) as paid
    from {{ ref('liability_rollforward') }}
    group by period_type

),

-- Without any period there must be nothing in the reserve either.
expected as (

    select
        period_types.period_type,
        reserve.*
    from reserve
    cross join (values ('window'), ('month')) as period_types (period_type)

)

select
    expected.period_type,
    expected.balance,
    rollforward.closing_balance,
    expected.in_transit,
    rollforward.closing_in_transit,
    expected.paid_out,
    rollforward.paid
from expected
left join rollforward on expected.period_type = rollforward.period_type
where
    expected.balance <> coalesce(rollforward.closing_balance, 0)
    or expected.in_transit <> coalesce(rollforward.closing_in_transit, 0)
    or expected.paid_out <> coalesce(rollforward.paid, 0)
