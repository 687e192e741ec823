-- The instant of the close of a window, or of the latest one that is stored.
select c.window_ends_at + make_interval(mins => %(close_lag_minutes)s) as until
from finance.window_closes as c
where c.payout_window = coalesce(
    %(window)s,
    (select l.payout_window from finance.window_closes as l order by l.window_starts_at desc limit 1)
)
