-- Fails if a window that is not stored carries another amount into it than the window before left,
-- less the lines that took from it, plus what came back by now; in the window of a go-live, another
-- amount than the opening balance.

with

build as (

    select * from {{ ref('int_build') }}

),

-- A seller's row of a window and of the one before; a missing row is a balance of 0.
settlement as (

    select
        seller_id,
        window_starts_at,
        window_ends_at,
        net_minor,
        carried_forward_minor
    from {{ ref('int_settlement') }}
    where window_ends_at >= (select build.stored_until from build)

),

moves as (

    select
        seller_id,
        {{ window_starts_at('moved_at') }} as window_starts_at,
        sum(amount_minor) as moved_minor
    from {{ ref('int_line_moves') }}
    where
        moved_at >= (select build.stored_until from build)
        -- What moved after the build's open window has no row yet.
        and moved_at < (select max(windows.window_ends_at) from {{ ref('int_windows') }} as windows)
    group by seller_id, {{ window_starts_at('moved_at') }}

),

changes as (

    select
        seller_id,
        window_starts_at,
        carried_forward_minor as unexplained_minor
    from settlement
    where window_starts_at >= (select build.stored_until from build)

    union all

    select
        seller_id,
        window_ends_at as window_starts_at,
        -net_minor as unexplained_minor
    from settlement
    where window_ends_at <= (select build.as_of from build)

    union all

    select
        seller_id,
        window_starts_at,
        -moved_minor as unexplained_minor
    from moves

    union all

    select
        seller_id,
        window_starts_at,
        -opening_minor as unexplained_minor
    from {{ ref('int_window_sums') }}
    where window_starts_at >= (select build.stored_until from build)

)

select
    seller_id,
    window_starts_at,
    sum(unexplained_minor) as unexplained_minor
from changes
group by seller_id, window_starts_at
having sum(unexplained_minor) <> 0
