-- Whether the close of a window is due and missing, in one row.
select
    exists (select from finance.window_closes as c where c.payout_window = %(window)s) as is_stored,
    exists (
        select from settlement.windows as w where w.payout_window = %(window)s
    ) as is_built,
    -- The last whole build already knew the end of the window.
    exists (
        select from finance.build_instants as b
        where
            b.target_schema = 'settlement'
            and b.as_of >= finance.window_ends_at(
                finance.window_named(%(window)s, %(timezone)s), %(timezone)s
            )
    ) as is_built_since
