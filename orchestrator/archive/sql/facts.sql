-- The facts behind the entries of these windows, and those that their closes saw without an entry.
(t.seller_id, t.{id}) in (
    select e.seller_id, e.source_id from finance.window_close_entries as e
    where e.payout_window = any(%(windows)s) and {table_of_entry} = {table}
    union
    select f.seller_id, f.source_id from finance.window_close_facts as f
    where f.payout_window = any(%(windows)s) and f.source_table = {table}
)
