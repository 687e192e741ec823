-- The closed windows that a backtest goes through, one after another, and the instant of each close.
select
    w.payout_window,
    w.window_ends_at + b.close_lag as as_of
from {core}.int_windows as w
cross join {core}.int_build as b
where w.is_closed
order by w.window_starts_at
