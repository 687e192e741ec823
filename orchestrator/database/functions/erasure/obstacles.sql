-- Why a seller cannot be erased yet.

-- The rail documents no limit; two months is what we wait for a receiver to send money back.
create or replace function finance.return_period() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '60 days' $$;
comment on function finance.return_period() is
'How long after its outcome a payout may still be sent back by its receiver.';

create or replace function finance.unfinished_payout(p_seller text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when l.is_open then format('their payout in %s is under way: wait for its outcome', l.payout_window)
        else format('their payout in %s was paid on %s and can come back until %s', l.payout_window,
            to_char(l.outcome_at at time zone 'UTC', 'YYYY-MM-DD'),
            to_char((l.outcome_at + finance.return_period()) at time zone 'UTC', 'YYYY-MM-DD'))
    end
    from (
        select
            k.payout_window, coalesce(k.outcome_at, k.frozen_at) as outcome_at,
            k.state in ('frozen', 'submitted') or (k.state = 'failed' and k.returned_at is null)
                as is_open
        from finance.payout_lines as k where k.seller_id = p_seller
    ) as l
    where l.is_open or l.outcome_at > public.settle_now() - finance.return_period()
    order by l.is_open desc, l.outcome_at desc limit 1
$$;

-- Its bytes go out again under the same key, and the erasure would change them.
create or replace function finance.uncertain_call(p_seller text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('a call of the batch with their payout in %s has no certain response: run settle pay %s first', l.payout_window, l.payout_window)
    from finance.payout_lines as l
    inner join finance.payout_calls as c on l.batch_id = c.batch_id
    where l.seller_id = p_seller and c.state not in ('accepted', 'rejected')
    order by l.batch_id limit 1
$$;

create or replace function finance.waiting_decision(p_seller text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select w.what from (
        select 1 as place, format('%s holds them: release them first', h.held_by) as what
        from finance.seller_holds as h where h.seller_id = p_seller and h.lifted_at is null
        union all
        select 2, format('break %s about their payout in %s is open: close it first', b.break_id, l.payout_window)
        from finance.payout_lines as l
        inner join finance.breaks as b on l.line_id = b.subject and b.closed_at is null
        where l.seller_id = p_seller
        union all
        select 3, format('adjustment %s waits: approve or withdraw it first', a.adjustment_id)
        from finance.adjustments as a
        where a.seller_id = p_seller and a.approved_at is null and a.withdrawn_at is null
        union all
        select 4, format('assignment %s waits: approve or withdraw it first', r.assignment_id)
        from finance.reserve_assignments as r
        where r.seller_id = p_seller and r.approved_at is null and r.withdrawn_at is null
        union all
        select 5, format('go-live %s with their opening balance waits: approve or withdraw it first', g.go_live_id)
        from finance.opening_balances as o
        inner join finance.go_lives as g on o.go_live_id = g.go_live_id
        where o.seller_id = p_seller and g.approved_at is null and g.withdrawn_at is null
    ) as w
    order by w.place, w.what limit 1
$$;

-- By the stored close, and by the last build, which knows what came since.
create or replace function finance.open_balance(p_seller text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        (
            select format('%s of %s is unpaid: pay it, or write it off', finance.money(r.net_minor), r.payout_window)
            from finance.window_close_rows as r
            where r.seller_id = p_seller and r.net_minor <> 0
            and r.payout_window = (
                select c.payout_window from finance.window_closes as c
                order by c.window_starts_at desc limit 1
            ) and not exists (
                select from finance.payout_lines as l
                where l.payout_window = r.payout_window and l.seller_id = r.seller_id
                and l.state <> 'rejected'
            )
        ),
        (
            select case
                when b.pending <> 0
                    then format('%s of theirs is in reserve: wait for its release', b.pending)
                when b.disputed <> 0
                    then format('%s of theirs is disputed: wait for the outcome', b.disputed)
                else format('their balance is %s: pay it, or write it off', b.available)
            end
            from handover.open_balances as b where b.seller_id = p_seller
        )
    )
$$;

create or replace function finance.erasure_obstacle(p_seller text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        (
            select format('their status is %s: the marketplace closes them first', s.seller_status)
            from finance.sellers_now(p_seller) as s where s.seller_status <> 'closed'
        ),
        finance.unfinished_payout(p_seller),
        finance.uncertain_call(p_seller),
        finance.waiting_decision(p_seller),
        case when not exists (
            select from handover.build as b where b.as_of > public.settle_now() - interval '1 day'
        ) then 'the last build is older than a day: run settle build first' end,
        finance.open_balance(p_seller)
    )
$$;
comment on function finance.erasure_obstacle(text) is
'Why a seller cannot be erased yet: not closed, a payout under way or that can come back, a call that may be sent again, a decision that waits, money that is owed. Null where nothing is in the way.';
