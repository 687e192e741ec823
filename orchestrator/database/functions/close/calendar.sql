-- The calendar of payout windows.

-- A window is an ISO week of the settlement zone, half-open: Monday 00:00 to next Monday 00:00.
create or replace function finance.window_starts_at(p_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select date_trunc('week', p_at at time zone p_timezone) at time zone p_timezone
$$;
comment on function finance.window_starts_at(timestamptz, text) is
'The first instant of the window that contains p_at, in the zone.';

create or replace function finance.window_ends_at(p_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select (date_trunc('week', p_at at time zone p_timezone) + interval '7 days') at time zone p_timezone
$$;
comment on function finance.window_ends_at(timestamptz, text) is
'The end of the window that contains p_at, which is the first instant of the next one.';

create or replace function finance.window_label(p_at timestamptz, p_timezone text) returns text
language sql stable parallel safe as $$
    select to_char(p_at at time zone p_timezone, 'IYYY-"W"IW')
$$;
comment on function finance.window_label(timestamptz, text) is
'The ISO week of the window that contains p_at, like 2026-W47.';

-- And back: the first instant of the window with this label.
create or replace function finance.window_named(p_window text, p_timezone text) returns timestamptz
language sql stable parallel safe as $$
    select to_date(p_window, 'IYYY"-W"IW')::timestamp at time zone p_timezone
$$;
comment on function finance.window_named(text, text) is
'The first instant of the window with this label, in the zone.';

-- The next month is looked at: without a weekday that is not a holiday there is no due instant.
create or replace function finance.payout_due_at(
    p_starts_at timestamptz, p_timezone text, p_holidays date[] default '{}'
) returns timestamptz
language sql immutable parallel safe as $$
    select (d.day + time '08:00') at time zone p_timezone
    from (
        select (date_trunc('week', p_starts_at at time zone p_timezone))::date + 8 + n as day
        from generate_series(0, 30) as n
    ) as d
    where extract(isodow from d.day) < 6 and d.day <> all(p_holidays)
    order by d.day limit 1
$$;
comment on function finance.payout_due_at(timestamptz, text, date[]) is
'Tuesday 08:00 local in the week after the window that starts at p_starts_at; on one of these holidays, the next weekday that is not one.';
