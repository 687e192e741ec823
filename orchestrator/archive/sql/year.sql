-- The stored windows that have an instant of the calendar year in the settlement zone, and whether the
-- one with its last instant is among them. No row before the first close.
select
    i.installation_id,
    i.copied_from,
    i.currency,
    i.settlement_timezone,
    y.ends_at <= coalesce(max(c.window_ends_at), '-infinity') as is_closed,
    finance.window_label(y.ends_at - interval '1 microsecond', i.settlement_timezone)
        as last_window,
    (
        select l.payout_window from finance.window_closes as l
        order by l.window_starts_at desc limit 1
    ) as latest_close,
    min(c.window_starts_at) as starts_at,
    max(c.window_ends_at) as ends_at,
    -- Until then people decide about the last window, and it is paid.
    finance.window_ends_at(max(c.window_ends_at), i.settlement_timezone) as decided_by,
    coalesce(
        array_agg(c.payout_window order by c.window_starts_at)
        filter (where c.payout_window is not null), '{}'
    ) as windows
from finance.installation as i
cross join lateral (
    select
        make_timestamptz(%(year)s, 1, 1, 0, 0, 0, i.settlement_timezone) as starts_at,
        make_timestamptz(%(year)s + 1, 1, 1, 0, 0, 0, i.settlement_timezone) as ends_at
) as y
left join finance.window_closes as c
    on y.starts_at < c.window_ends_at and y.ends_at > c.window_starts_at
where i.settlement_timezone is not null
group by i.installation_id, i.copied_from, i.currency, i.settlement_timezone, y.ends_at
