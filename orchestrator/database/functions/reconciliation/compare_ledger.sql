-- Our books against the rail's own ledger: differences open a break, and close it when they are gone.

create or replace function finance.ledger_by_payout(p_payout text default null)
returns table (payout_id text, currency text, paid numeric, back numeric, fees numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select
        k.payout_id,
        min(k.currency),
        -sum(k.amount) filter (where k.kind = 'paid'),
        coalesce(sum(k.amount) filter (where k.kind = 'back'), 0),
        coalesce(-sum(k.amount) filter (where k.kind = 'fee'), 0)
    from (
        select
            e.payout_id, e.currency, e.amount,
            finance.ledger_kind(e.entry_type, e.amount, first_value(e.entry_type) over (
                partition by e.payout_id
                order by e.entry_type ~* 'fee', e.amount, e.ledger_entry_id
            )) as kind
        from halfin.ledger_entries as e
        where e.payout_id is not null and (p_payout is null or e.payout_id = p_payout)
    ) as k
    group by k.payout_id
$$;
comment on function finance.ledger_by_payout(text) is
'What the rail''s ledger as read last says of each payout, or of one: paid (null where nothing left), back, fees; decimals of the rail''s currency, each at or above 0.';

create or replace function finance.paid_by_ledger(p_payout text) returns numeric
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(sum(g.paid - g.back), 0) from finance.ledger_by_payout(p_payout) as g
    where g.payout_id = p_payout
$$;
comment on function finance.paid_by_ledger(text) is
'What left for a payout by the rail''s ledger and did not come back; 0 where it does not have it.';

create or replace function finance.ledger_differences()
returns table (kind text, subject text, detail text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with ledger as (
        select * from finance.ledger_by_payout()
    )
    -- An hour, so that what is under way has landed on both sides.
    select 'not_in_ledger', l.line_id,
        format('payout %s of seller %s completed, and the ledger of %s does not have it',
            l.payout_id, l.seller_id, l.rail_currency)
    from finance.payout_lines as l
    inner join halfin.ledger_reads as r on l.rail_currency = r.currency
    left join ledger as g on l.payout_id = g.payout_id
    where l.state = 'completed' and g.paid is null
    and l.outcome_at <= r.read_at - interval '1 hour'
    union all
    select 'ledger_amount', l.line_id,
        format('payout %s of seller %s is %s by the ledger and %s by its line', l.payout_id,
            l.seller_id, g.paid, finance.money(l.amount_minor))
    from finance.payout_lines as l
    inner join ledger as g on l.payout_id = g.payout_id
    where g.paid - g.back not in (finance.decimal_amount(l.amount_minor), 0)
    and g.paid <> finance.decimal_amount(l.amount_minor)
    union all
    select 'ledger_fee', l.line_id,
        format('payout %s of seller %s cost %s by the ledger and %s by the payout itself',
            l.payout_id, l.seller_id, g.fees, l.network_fee + l.fee_amount)
    from finance.payout_lines as l
    inner join ledger as g on l.payout_id = g.payout_id
    where l.state = 'completed' and g.paid is not null and g.fees <> l.network_fee + l.fee_amount
    union all
    select 'ledger_without_line', g.payout_id, t.told
    from ledger as g
    cross join lateral (
        select format('the ledger of %s has paid %s as payout %s, that no line of ours asked for',
            g.currency, g.paid, g.payout_id) as told
    ) as t
    where g.paid is not null and not exists (
        select from finance.payout_lines as l where l.payout_id = g.payout_id
    )
    -- What two people have said of it is of that much; more of it is news.
    and not exists (
        select from finance.breaks as b
        where (b.kind, b.subject, b.detail) = ('ledger_without_line', g.payout_id, t.told)
        and b.closed_by <> 'an outcome'
    )
    union all
    select 'paid_by_ledger', l.line_id,
        format('payout %s of seller %s is %s here and paid by the ledger: the seller has the money',
            l.payout_id, l.seller_id, l.state)
    from finance.payout_lines as l
    inner join ledger as g on l.payout_id = g.payout_id
    where g.paid > g.back and (l.state in ('failed', 'rejected') or (
        l.state = 'returned' and g.back = 0
        and l.returned_at <= (
            select r.read_at - interval '1 hour' from halfin.ledger_reads as r
            where r.currency = g.currency
        )
        and not finance.is_settled_by_people('paid_by_ledger', l.line_id)
    ))
    union all
    select 'returned_by_ledger', l.line_id,
        format('payout %s of seller %s is %s here, and %s: ask halfin whether it was sent back',
            l.payout_id, l.seller_id, l.state, t.told)
    from finance.payout_lines as l
    inner join ledger as g on l.payout_id = g.payout_id
    cross join lateral (select format('the ledger has %s of it back', g.back) as told) as t
    where g.back > 0 and g.paid - g.back < finance.decimal_amount(l.amount_minor)
    and (l.state = 'completed' or (l.state = 'returned' and g.back <> g.paid))
    -- What people have looked at is that much; more of it is news.
    and not exists (
        select from finance.breaks as b
        where b.kind = 'returned_by_ledger' and b.subject = l.line_id
        and b.closed_by <> 'an outcome' and strpos(b.detail, t.told) > 0
    )
$$;
comment on function finance.ledger_differences() is
'One row per difference between our lines and the rail''s ledger as read last.';

create or replace function finance.is_settled_by_people(p_kind text, p_line_id text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.breaks as b
        where b.kind = p_kind and b.subject = p_line_id and b.closed_by <> 'an outcome'
    )
$$;
comment on function finance.is_settled_by_people(text, text) is
'Whether people have closed a break of this kind on the line: what the ledger says of its return stays as it is, and they have looked at it.';

create or replace function finance.compare_books() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    -- One at a time: two would tell each difference twice, or wait for each other's breaks.
    perform finance.hold_lock('compare books');
    -- First: what another program stores from here on waits, or is compared the next time.
    update halfin.ledger_reads as r set compared_close = r.read_close
    where r.compared_close is distinct from r.read_close;
    perform finance.open_break(d.kind, d.subject, d.detail) from finance.ledger_differences() as d;
    -- What it opened and no longer finds has come right by an outcome.
    update finance.breaks as b
    set closed_at = public.settle_now(), closed_by = 'an outcome',
        close_note = 'the books agree again'
    where b.closed_at is null
    and b.kind in (
        'not_in_ledger', 'ledger_amount', 'ledger_fee', 'ledger_without_line', 'paid_by_ledger',
        'returned_by_ledger'
    )
    and not exists (
        select from finance.ledger_differences() as d
        where (d.kind, d.subject, d.detail) = (b.kind, b.subject, b.detail)
    );
    update finance.breaks as b
    set closed_at = public.settle_now(), closed_by = 'an outcome',
        close_note = 'the rail has told of every line'
    where b.closed_at is null and b.kind = 'missing_payouts' and not exists (
        select from finance.payout_lines as l
        where l.batch_id || '/' || l.call_sequence = b.subject and l.payout_id is null
    );
    update finance.breaks as b
    set closed_at = public.settle_now(), closed_by = 'an outcome', close_note = 'a line has it'
    where b.closed_at is null and b.kind in ('payout_without_line', 'unknown_payout')
    and exists (select from finance.payout_lines as l where l.payout_id = b.subject);
    -- What waits for somebody: on halfin's dashboard, or nobody knows where.
    perform finance.raise_alert_once(
        case w.is_waiting when true then 'pending_approval' else 'stuck' end,
        w.payout_window || '/' || w.batch_id,
        case
            when w.is_waiting then format('%s lines of %s have waited for more than 4 hours for somebody to approve them on halfin''s dashboard', w.line_count, w.payout_window)
            else format('%s lines of %s have had no outcome for more than 24 hours: ask halfin', w.line_count, w.payout_window)
        end
    )
    from (
        select
            l.payout_window, l.batch_id, count(*) as line_count,
            l.rail_status is not distinct from 'pending_approval' as is_waiting
        from finance.payout_lines as l
        inner join finance.payout_batches as b on l.batch_id = b.batch_id
        where b.state = 'accepted'
        -- Or failed by a webhook alone, which the rail, asked, does not say: its money is nowhere.
        and (l.state in ('frozen', 'submitted') or (l.state = 'failed' and l.returned_at is null))
        and coalesce(l.outcome_at, l.frozen_at) < public.settle_now() - case
            when l.rail_status = 'pending_approval' then interval '4 hours'
            else interval '24 hours'
        end
        group by 1, 2, 4
    ) as w;
    return (select count(*) from finance.breaks as b where b.closed_at is null);
end;
$$;
comment on function finance.compare_books() is
'Opens and closes breaks by what the rail''s ledger says, alerts what is late; returns how many breaks are open.';

create or replace function finance.alert_contradictions() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select finance.raise_alert_once('contradicted_close',
        format('%s/%s/%s', c.payout_window, c.seller_id, c.computed_minor - c.stored_minor),
        format('the close of %s has %s for seller %s, the facts now say %s: the stored row stands; correct it with an adjustment',
            c.payout_window, finance.money(c.stored_minor), c.seller_id, finance.money(c.computed_minor)))
    from handover.contradictions as c
$$;
comment on function finance.alert_contradictions() is
'One alert for each stored row that the last build contradicts.';
