-- The window that the graph begins with: the first that is stored, as no close opens one before
-- it, else that of the go-live, else that of the first fact. The last one that ended is always
-- there, so that it can be asked for, in an empty marketplace too.
select finance.window_label(
    coalesce(
        (select min(closes.window_starts_at) from finance.window_closes as closes),
        (
            select least(go_lives.starts_at, settle_now() - interval '7 days')
            from finance.go_lives as go_lives
            where go_lives.approved_at is not null
        ),
        least(
            (select min(orders.ordered_at) from {orders} as orders),
            (select min(approved_at) from finance.adjustments),
            settle_now() - interval '7 days'
        )
    ),
    {timezone}
) as label
