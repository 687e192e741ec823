-- The calendar of payout windows.

-- A window is an ISO week of the settlement zone, half-open: Monday 00:00 to next Monday 00:00.
create or replace function finance.window_starts_at(p_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select date_trunc('week', p_at at time zone p_timezone) at time zone p_timezone
$$;

create or replace function finance.window_ends_at(p_at timestamptz, p_timezone text) returns timestamptz
language sql immutable parallel safe as $$
    select (date_trunc('week', p_at at time zone p_timezone) + interval '7 days') at time zone p_timezone
$$;

create or replace function finance.window_label(p_at timestamptz, p_timezone text) returns text
language sql stable parallel safe as $$
    select to_char(p_at at time zone p_timezone, 'IYYY-"W"IW')
$$;

-- And back: the first instant of the window with this label.
create or replace function finance.window_named(p_window text, p_timezone text) returns timestamptz
language sql stable parallel safe as $$
    select to_date(p_window, 'IYYY"-W"IW')::timestamp at time zone p_timezone
$$;

-- On Tuesday, or the next weekday that is no holiday; a month without one has none.
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
'Tuesday 08:00 local in the week after the window that starts at p_starts_at; on one of these holidays, the next weekday that is none.';
