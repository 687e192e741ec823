-- The instant as of which a go-live with a window is rehearsed: when that window would be closed,
-- or now, where it is not over.
select
    least(
        settle_now(),
        finance.window_ends_at(
            finance.window_named(%(window)s, b.settlement_timezone), b.settlement_timezone
        ) + b.close_lag
    ) as as_of
from settlement_core.int_build as b
