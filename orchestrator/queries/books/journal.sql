-- The journal of one calendar month of the settlement zone, in the order of its transactions. The
-- instants beside it say which zone, and whether a close yet to come can change the month: true until
-- the window that has the month's last instant is stored.
with build as (
    select
        b.currency,
        b.settlement_timezone,
        ((%(month)s || '-01')::date + interval '1 month')::timestamp
        at time zone b.settlement_timezone as ends_at
    from settlement_core.int_build as b
)

select
    b.currency,
    b.settlement_timezone,
    ((%(month)s || '-01')::date + interval '1 month' - interval '1 day')::date as booked_on,
    b.ends_at > coalesce(
        (select max(c.window_ends_at) from finance.window_closes as c), '-infinity'
    ) as can_change,
    finance.window_label(b.ends_at - interval '1 microsecond', b.settlement_timezone)
        as last_window,
    j.journal_month,
    j.payout_window,
    j.kind,
    j.detail,
    j.account,
    j.debit,
    j.credit,
    j.debit - j.credit as amount
from build as b
left join settlement.journal_entries as j on j.journal_month = %(month)s
order by j.payout_window, j.kind, j.detail, j.credit, j.account
