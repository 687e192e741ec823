-- The latest windows, newest first: what is ready, at the rail, paid, failed, returned, held and left
-- out. Of a stored close it reads the totals and the lines, and row by row only what may still be
-- paid: once a newer window has closed, what was held has moved on. The state is that of the current
-- run.
with windows as materialized (
    select
        w.*,
        finance.current_run(w.payout_window) as run,
        c.net_minor,
        c.payout_window is not null as has_close,
        finance.window_ends_at(w.window_ends_at, i.settlement_timezone) > settle_now() as is_latest
    from (
        select n.* from settlement.windows as n
        where coalesce(n.payout_window = %(window)s, true)
        order by n.window_starts_at desc
        limit 8
    ) as w
    cross join settlement_core.int_build as i
    left join finance.window_closes as c on w.payout_window = c.payout_window
),

-- By state first: a few rows are left of some ten thousand.
states as (
    select
        l.payout_window,
        l.state,
        count(*) as line_count,
        sum(l.amount_minor) as amount_minor
    from finance.payout_lines as l
    where
        l.payout_window = any(array(select w.payout_window from windows as w))
        and l.state <> 'rejected'
    group by l.payout_window, l.state
),

lines as (
    select
        l.payout_window,
        sum(l.line_count) filter (where s.status = 'submitted')::bigint as submitted,
        sum(l.line_count) filter (where s.status = 'paid')::bigint as paid,
        sum(l.line_count) filter (where s.status = 'failed')::bigint as failed,
        sum(l.line_count) filter (where s.status = 'returned')::bigint as returned,
        sum(l.amount_minor) filter (where s.status = 'paid') as paid_minor,
        sum(l.amount_minor) filter (where s.status = 'failed') as failed_minor,
        sum(l.amount_minor) filter (where s.status = 'returned') as returned_minor
    from states as l
    cross join lateral (
        select finance.payout_status(true, l.state, null, null) as status
    ) as s
    group by l.payout_window
),

-- Current holds count in the latest closed window, and in one without a close.
positions as (
    select
        w.payout_window,
        finance.payout_status(true, null, cardinality(h.hold_reasons) > 0, false) as status,
        null::bigint as net_minor
    from windows as w
    cross join lateral finance.current_holds(w.payout_window) as h
    where w.payout_window = finance.latest_closed_window() and not exists (
        select from finance.payout_lines as l
        where
            l.payout_window = w.payout_window and l.seller_id = h.seller_id
            and l.state <> 'rejected'
    )
    union all
    select
        w.payout_window,
        finance.payout_status(true, null, cardinality(r.hold_reasons) > 0, not w.is_latest),
        r.net_minor
    from windows as w
    inner join settlement_core.int_settlement__live as r on w.payout_window = r.payout_window
    where not w.has_close
),

counted as (
    select
        s.payout_window,
        count(*) filter (where s.status = 'held') as held,
        count(*) filter (where s.status = 'ready') as ready,
        sum(s.net_minor) as net_minor
    from positions as s
    group by s.payout_window
),

breaks as (
    select
        x.payout_window,
        count(*) as open_breaks
    from finance.breaks as k
    -- A break names a line, its payout, or a call.
    cross join lateral (
        select l.payout_window from finance.payout_lines as l
        where k.subject in (l.line_id, l.payout_id)
        union
        select b.payout_window from finance.payout_calls as c
        inner join finance.payout_batches as b on c.batch_id = b.batch_id
        where c.batch_id || '/' || c.sequence = k.subject
    ) as x
    where k.closed_at is null
    group by x.payout_window
)

select
    w.payout_window,
    w.run,
    case when b.state is not null then b.state when not w.is_closed then 'open'
        when w.has_close then 'stored' else 'closed' end as state,
    case when w.window_ends_at <= settle_now() and w.is_latest then coalesce(c.ready, 0) else 0 end
        as ready,
    coalesce(l.submitted, 0) as submitted,
    coalesce(l.paid, 0) as paid,
    coalesce(l.failed, 0) as failed,
    coalesce(l.returned, 0) as returned,
    case
        when w.window_ends_at > settle_now() then 0
        else coalesce(c.held, 0)
    end as held,
    finance.money(coalesce(l.paid_minor, 0)) as paid_amount,
    finance.money(coalesce(l.failed_minor, 0)) as failed_amount,
    finance.money(coalesce(l.returned_minor, 0)) as returned_amount,
    finance.money(coalesce(w.net_minor, c.net_minor, 0)) as net,
    (select count(*) from finance.batch_left_out as x where x.batch_id = b.batch_id) as left_out,
    coalesce(k.open_breaks, 0) as open_breaks,
    coalesce((
        select json_agg(json_build_object(
            'run', r.run, 'batch_id', r.batch_id, 'state', r.state, 'line_count', r.line_count,
            'total', finance.money(r.total_minor)
        ) order by r.run)
        from finance.payout_runs(w.payout_window) as r
    ), '[]') as runs
from windows as w
left join lines as l on w.payout_window = l.payout_window
left join counted as c on w.payout_window = c.payout_window
left join finance.payout_batches as b
    on w.payout_window = b.payout_window and w.run = b.run and b.state <> 'rejected'
left join breaks as k on w.payout_window = k.payout_window
order by w.window_starts_at desc
