-- Fails if the settlement rows of a window that is not stored differ from its entries, in the sum
-- of a kind or in the number of orders. An opening balance is carried in.

with

windows as (

    select * from {{ ref('windows') }}
    where not is_stored

),

sums as (

    select
        windows.payout_window,
        entries.entry_type,
        sum(entries.amount_minor) as amount_minor,
        count(*) as entry_count
    from {{ ref('int_entries') }} as entries
    inner join windows
        on
            entries.available_at >= windows.window_starts_at
            and entries.available_at < windows.window_ends_at
    group by windows.payout_window, entries.entry_type

),

-- Entries, less what the rows say of them.
differences as (

    select
        payout_window,
        case
            when entry_type = 'holdback' then 'order'
            when entry_type = 'refund_reversed' then 'refund'
            when entry_type like 'dispute\_%' then 'dispute'
            else entry_type
        end as kind,
        amount_minor,
        case when entry_type = 'order' then entry_count else 0 end as order_count
    from sums
    where entry_type <> 'opening_balance'

    union all

    select
        settlement.payout_window,
        kinds.kind,
        -kinds.amount_minor as amount_minor,
        case when kinds.kind = 'order' then -settlement.order_count else 0 end as order_count
    from {{ ref('int_settlement__computed') }} as settlement
    inner join windows on settlement.payout_window = windows.payout_window
    cross join lateral (
        values
        ('order', settlement.gross_minor),
        ('fee', -settlement.fees_minor),
        ('tax', -settlement.taxes_minor),
        ('refund', -settlement.refunds_minor),
        ('dispute', -settlement.disputes_minor),
        ('charge', -settlement.charges_minor),
        ('adjustment', settlement.adjustments_minor)
    ) as kinds (kind, amount_minor)

)

select
    payout_window,
    kind,
    sum(amount_minor) as difference_minor,
    sum(order_count) as difference_count
from differences
group by payout_window, kind
having sum(amount_minor) <> 0 or sum(order_count) <> 0
