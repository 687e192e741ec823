-- The closed windows that a backtest goes through, one after another, and the instant of each close:
-- when it was stored, so that people's decisions and sellers are read as they were then; but for one
-- that was made up for after the next window's end, the instant at which it was due.
select
    w.payout_window,
    greatest(w.window_ends_at + b.close_lag, c.closed_at) as as_of
from {core}.int_windows as w
cross join {core}.int_build as b
left join finance.window_closes as c
    on
        w.payout_window = c.payout_window
        and c.closed_at < finance.window_ends_at(w.window_ends_at, b.settlement_timezone)
where w.is_closed
order by w.window_starts_at
