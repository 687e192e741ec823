-- The orders of these windows' entries and facts: a refund's order too, however old.
(t.seller_id, t.order_id) in (
    select e.seller_id, e.order_id from finance.window_close_entries as e
    where e.payout_window = any(%(windows)s)
    union
    select f.seller_id, f.order_id from finance.window_close_facts as f
    where f.payout_window = any(%(windows)s)
)
