-- Which windows a line pays: its own, and those it carries in.

create or replace function finance.freeze_receipts(p_batch finance.payout_batches) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    -- As the carry has it, at the end of the line's window: a line that stood then had paid its
    -- windows, one that had come back had left them to the lines after it.
    with lines as (
        select l.line_id, l.payout_window, l.seller_id, c.window_ends_at
        from finance.payout_lines as l
        inner join finance.window_closes as c on l.payout_window = c.payout_window
        where l.batch_id = p_batch.batch_id
    ),
    -- All windows up to the latest line that stood and to which nothing came back later need no
    -- further look: of a year of history that leaves one or two for most sellers.
    bounded as (
        select l.*, coalesce(b.window_ends_at, '-infinity') as paid_until
        from lines as l
        left join lateral (
            select kc.window_ends_at
            from finance.payout_lines as k
            inner join finance.window_closes as kc on k.payout_window = kc.payout_window
            where k.seller_id = l.seller_id and kc.window_ends_at < l.window_ends_at
            and coalesce(k.returned_at >= l.window_ends_at, true)
            and not exists (
                select from finance.payout_lines as e
                inner join finance.window_closes as ec on e.payout_window = ec.payout_window
                where e.seller_id = l.seller_id and ec.window_ends_at < kc.window_ends_at
                and e.returned_at >= kc.window_ends_at and e.returned_at < l.window_ends_at
            )
            order by kc.window_ends_at desc limit 1
        ) as b on true
    ),
    -- Completed after it had come back: paid twice, and taken back in the window of its recording.
    retaken as (
        select b.line_id, c.payout_window, -sum(x.amount_minor) as retaken_minor
        from bounded as b
        inner join finance.payout_lines as x on b.seller_id = x.seller_id
        inner join finance.window_closes as c
            on x.retaken_at >= c.window_starts_at and x.retaken_at < c.window_ends_at
        where x.retaken_at >= b.paid_until and x.retaken_at < b.window_ends_at
        group by b.line_id, c.payout_window
    ),
    -- Carried in from the old system, and yet an entry of the window that it went live with.
    opening as (
        select o.seller_id, g.payout_window, o.amount_minor
        from finance.go_live() as g
        inner join finance.opening_balances as o on g.go_live_id = o.go_live_id
    ),
    candidates as (
        select
            b.line_id, b.payout_window as own_window, b.window_ends_at, b.seller_id,
            c.payout_window,
            coalesce(r.net_minor - r.carried_forward_minor, 0) + coalesce(o.amount_minor, 0)
                as entries_minor,
            coalesce(t.retaken_minor, 0)::bigint as retaken_minor
        from bounded as b
        inner join finance.window_closes as c
            on c.window_ends_at > b.paid_until and c.window_ends_at <= b.window_ends_at
        left join finance.window_close_rows as r
            on b.seller_id = r.seller_id and c.payout_window = r.payout_window
        left join opening as o
            on b.seller_id = o.seller_id and c.payout_window = o.payout_window
        left join retaken as t on b.line_id = t.line_id and c.payout_window = t.payout_window
    )
    insert into finance.line_windows (
        line_id, payout_window, seller_id, entries_minor, retaken_minor
    )
    select c.line_id, c.payout_window, c.seller_id, c.entries_minor, c.retaken_minor
    from candidates as c
    where (c.entries_minor <> 0 or c.retaken_minor <> 0)
    and not exists (
        select from finance.line_windows as w
        inner join finance.payout_lines as e on w.line_id = e.line_id
        where w.seller_id = c.seller_id and w.payout_window = c.payout_window
        and e.payout_window <> c.own_window
        and coalesce(e.returned_at >= c.window_ends_at, true)
    )
$$;
comment on function finance.freeze_receipts(finance.payout_batches) is
'Writes down which windows each line of the batch pays. check_batch compares their sum with the line.';
