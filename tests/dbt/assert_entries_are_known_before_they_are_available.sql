-- Fails if an entry is from the future, available before it is known, or in another window than the
-- one that contains its available instant.

with

build as (

    select * from {{ ref('int_build') }}

),

entries as (

    select * from {{ ref('int_entries') }}

),

windows as (

    select * from {{ ref('windows') }}

)

select
    entries.entry_type,
    entries.source_id,
    entries.known_at,
    entries.available_at,
    entries.window_starts_at
from entries
cross join build
left join windows on entries.window_starts_at = windows.window_starts_at
where
    entries.known_at > build.as_of
    or entries.available_at < entries.known_at
    or entries.available_at < entries.window_starts_at
    or entries.available_at >= windows.window_ends_at
    -- Money in reserve may be released in a window that has not begun; no other window is missing.
    or (windows.payout_window is null and entries.available_at <= build.as_of)
