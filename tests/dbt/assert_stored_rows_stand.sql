-- Fails if a stored row is missing from the settlement, is there twice, differs in what was stored,
-- or stands beside a computed row of its window. Of the windows since the scope begins: older ones
-- were compared then, and a close never changes.

{%- set amounts = [
    'gross', 'fees', 'taxes', 'refunds', 'disputes', 'charges', 'adjustments', 'carried_forward',
    'net'
] %}

with

closes as (

    select * from {{ ref('int_window_closes__as_of') }}
    where window_ends_at > (select build.scope_from from {{ ref('int_build') }} as build)

),

stored as (

    select close_rows.* from {{ ref('stg_finance__window_close_rows') }} as close_rows
    inner join closes on close_rows.payout_window = closes.payout_window

),

shown as (

    select settlement.* from {{ ref('seller_settlement') }} as settlement
    inner join closes on settlement.payout_window = closes.payout_window

)

select
    coalesce(stored.payout_window, shown.payout_window) as payout_window,
    coalesce(stored.seller_id, shown.seller_id) as seller_id,
    count(stored.seller_id) as stored_count,
    count(shown.seller_id) as shown_count
from stored
full outer join shown
    on
        stored.payout_window = shown.payout_window
        and stored.seller_id = shown.seller_id
        {%- for amount in amounts %}
            and stored.{{ amount }}_minor = {{ cents('shown.' ~ amount) }}
        {%- endfor %}
        and (stored.order_count, stored.weeks_carried, stored.wallet_address)
        = (shown.order_count, shown.weeks_carried, shown.wallet_address)
        and stored.rail is not distinct from shown.rail
group by 1, 2
-- A row that differs is there twice, once from each side.
having count(*) <> 1 or count(stored.seller_id) <> 1 or count(shown.seller_id) <> 1
