-- Fails if the items of a line's receipt do not sum to the line, to the cent, or two standing lines
-- pay the same item. In a build that starts from a stored close, of the lines frozen since the
-- scope begins: older ones were compared then, and neither lines nor items change.

with

-- Where nothing is scoped, the scope begins at -infinity.
lines as (

    select
        line_id,
        {{ money('amount_minor') }} as amount
    from {{ ref('int_payout_lines__as_of') }}
    where frozen_at >= (select build.scope_from from {{ ref('int_build') }} as build)

),

-- Looked up line by line: all receipts ever are many.
items as (

    select * from {{ ref('receipts') }}
    where line_id = any(array(select lines.line_id from lines))

),

sums as (

    select
        line_id,
        sum(amount) as receipt_amount
    from items
    group by line_id

),

different as (

    select
        lines.line_id,
        'amount' as difference
    from lines
    left join sums on lines.line_id = sums.line_id
    where lines.amount is distinct from sums.receipt_amount

),

shared as (

    select
        min(line_id) as line_id,
        'shared with another line' as difference
    from items
    where is_standing
    group by seller_id, entry_type, source_id
    having count(*) > 1

)

select * from different

union all

select * from shared
