-- Fails if a frozen line is at none or at two of the steps of the reconciliation, a window's lines
-- are not all in it, or a difference is called reconciled.

with

reconciliation as (

    select * from {{ ref('reconciliation') }}

),

batches as (

    select
        payout_window,
        count(*) as line_count,
        sum(amount) as amount
    from {{ ref('payouts') }}
    group by payout_window

),

windows as (

    select
        payout_window,
        sum(frozen_count) as frozen_count,
        sum(frozen_amount) as frozen_amount,
        bool_or(
            frozen_count <> refused_count + completed_count + failed_count + open_count
            or frozen_amount <> refused_amount + completed_amount + failed_amount + open_amount
        ) as is_broken,
        bool_or(is_reconciled and (difference <> 0 or open_count > 0)) as is_misjudged
    from reconciliation
    group by payout_window

)

select
    coalesce(batches.payout_window, windows.payout_window) as payout_window,
    batches.line_count,
    windows.frozen_count,
    batches.amount,
    windows.frozen_amount
from batches
full outer join windows on batches.payout_window = windows.payout_window
where
    batches.line_count is distinct from windows.frozen_count
    or batches.amount is distinct from windows.frozen_amount
    or windows.is_broken
    or windows.is_misjudged
