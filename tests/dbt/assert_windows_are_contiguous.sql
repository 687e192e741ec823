-- Fails if a window does not start where the one before it ends, is not 7 local days from a local
-- Monday 00:00, or if not exactly the last one, which contains the build's instant, is open.

with

build as (

    select * from {{ ref('int_build') }}

),

windows as (

    select
        *,
        window_starts_at at time zone '{{ var("settlement_timezone") }}' as local_start,
        window_ends_at at time zone '{{ var("settlement_timezone") }}' as local_end,
        lag(window_ends_at) over (order by window_starts_at) as previous_ends_at,
        lead(window_starts_at) over (order by window_starts_at) as next_starts_at
    from {{ ref('windows') }}

)

select
    windows.payout_window,
    windows.window_starts_at,
    windows.window_ends_at,
    windows.previous_ends_at
from windows
cross join build
where
    windows.window_starts_at <> windows.previous_ends_at
    or windows.local_end - windows.local_start <> interval '7 days'
    or extract(isodow from windows.local_start) <> 1
    or windows.local_start::time <> '00:00'
    or windows.payout_window <> to_char(windows.local_start, 'IYYY-"W"IW')
    or windows.is_closed <> (windows.window_ends_at <= build.as_of)
    or windows.is_closed <> (windows.next_starts_at is not null)
