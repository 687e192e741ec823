-- What a line pays, item by item: the one place that says so, for receipts in the console, on sellers'
-- pages and in settlement.receipts.

create or replace view finance.receipt_items as
select
    w.line_id,
    w.seller_id,
    w.payout_window as entry_window,
    e.entry_type,
    e.source_id,
    e.order_id,
    e.amount_minor,
    e.occurred_at,
    e.known_at
from finance.line_windows as w
inner join finance.window_close_entries as e
    on w.payout_window = e.payout_window and w.seller_id = e.seller_id

union all

-- The seller has this money already: an earlier line came back, was paid again with a later one, and
-- completed after all.
select
    w.line_id,
    w.seller_id,
    w.payout_window as entry_window,
    'completed_after_all' as entry_type,
    x.line_id as source_id,
    null as order_id,
    -x.amount_minor as amount_minor,
    x.retaken_at as occurred_at,
    x.retaken_at as known_at
from finance.line_windows as w
inner join finance.window_closes as c on w.payout_window = c.payout_window
inner join finance.payout_lines as x
    on
        w.seller_id = x.seller_id
        and c.window_starts_at <= x.retaken_at
        and c.window_ends_at > x.retaken_at
where w.retaken_minor <> 0;
comment on view finance.receipt_items is
'One row per payout line and item that it pays, under the window the item comes from, in integer cents. The items of a line sum to the line.';
