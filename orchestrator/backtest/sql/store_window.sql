-- As finance.store_close stores a close: the window as it was computed.
insert into {staging}.stg_finance__window_closes (
    payout_window, currency, settlement_timezone, window_starts_at, window_ends_at, payout_due_at,
    closed_at
)
select
    w.payout_window, b.currency, b.settlement_timezone, w.window_starts_at, w.window_ends_at,
    w.payout_due_at, b.as_of
from {core}.int_windows as w
cross join {core}.int_build as b
where w.payout_window = %(window)s
