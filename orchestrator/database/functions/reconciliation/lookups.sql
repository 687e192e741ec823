-- Asking the rail: what about, and what its responses do.

create or replace function finance.lines_of_lost_payouts()
returns table (break_id bigint, seller_id text, payout_window text, is_asked boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select
        b.break_id, l.seller_id, l.payout_window,
        greatest(l.frozen_at, l.outcome_at) < r.read_at
    from finance.breaks as b
    inner join finance.payout_lines as l on b.payout_key = l.idempotency_key
    left join halfin.ledger_reads as r on l.rail_currency = r.currency
    where b.kind = 'payout_without_line' and b.closed_at is null and l.payout_id is null
$$;
comment on function finance.lines_of_lost_payouts() is
'One row per line without a payout that has the key of one that no line had: it was frozen after the rail had told of the payout. is_asked: the rail was asked since, and did not say that the line has it.';

create or replace function finance.open_lookups()
returns table (path text, rail_id text, payout_window text, confirms text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select distinct c.path, c.rail_batch_id, l.payout_window, null
    from finance.payout_lines as l
    inner join finance.payout_calls as c
        on l.batch_id = c.batch_id and l.call_sequence = c.sequence
    where l.state in ('frozen', 'submitted', 'failed') and l.returned_at is null
    and c.state = 'accepted' and c.rail_batch_id is not null
    union
    -- Known, of a call that has no id at the rail to ask by: it answered with another call's, or to none
    -- of its tries for certain (other bytes may have its key there, since a restore); or that is sent no
    -- more: one that was taken back, as a restored database has forgotten that it was sent, or one of
    -- which people have decided a line.
    select '/v1/payouts', l.payout_id, l.payout_window, null
    from finance.payout_lines as l
    inner join finance.payout_calls as c
        on l.batch_id = c.batch_id and l.call_sequence = c.sequence
    where l.state in ('frozen', 'submitted', 'failed') and l.returned_at is null
    and l.payout_id is not null and case c.state
        when 'rejected' then true
        when 'accepted' then c.rail_batch_id is null
        when 'unknown' then true
        else finance.has_resolved_line(c.batch_id, c.sequence)
    end
    union
    -- Money that left by the rail's own ledger, and came back by ours.
    select '/v1/payouts', l.payout_id, l.payout_window, null
    from finance.payout_lines as l
    where l.state in ('failed', 'rejected', 'returned') and finance.paid_by_ledger(l.payout_id) > 0
    union
    -- Paid, and sent back by a webhook, a look-up or the ledger: asked from here on, it is certain.
    select '/v1/payouts', l.payout_id, l.payout_window, l.payout_id
    from finance.payout_lines as l
    inner join finance.breaks as b on l.line_id = b.subject and b.closed_at is null
    where l.state = 'completed' and l.payout_id is not null
    and b.kind in ('failed_after_completed', 'returned_by_ledger')
    union
    -- The rail has contradicted what was decided here: until it is clear what became of it.
    select '/v1/payouts', l.payout_id, l.payout_window, null
    from finance.payout_lines as l
    inner join finance.breaks as b on l.line_id = b.subject and b.closed_at is null
    where b.kind = 'contrary_outcome' and l.payout_id is not null
    union
    -- Money that left, and no line of ours knows for what: the payout itself names the line, whose
    -- seller must not be paid the same again. Until the rail has told what it is.
    select '/v1/payouts', e.payout_id, null, null
    from halfin.ledger_entries as e
    where e.amount < 0 and e.payout_id is not null
    and not exists (select from finance.payout_lines as l where l.payout_id = e.payout_id)
    and not exists (
        select from finance.breaks as b
        where b.kind in ('unknown_payout', 'payout_without_line') and b.subject = e.payout_id
    )
    union
    -- Such a payout, once a line was frozen under its key: the line has it as soon as the rail tells.
    select '/v1/payouts', b.subject, l.payout_window, null
    from finance.lines_of_lost_payouts() as l
    inner join finance.breaks as b on l.break_id = b.break_id
    order by 3, 1, 2
$$;
comment on function finance.open_lookups() is
'What has to be asked for at the rail: GET path/rail_id. One row per call with a line that has no certain outcome, and per payout that the ledger shows as paid and we do not; without a window where no line of ours has it. confirms: a payout of which the rail has contradicted itself, which this look-up settles.';

create or replace function finance.is_told(p_payout_id text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.breaks as b
        where b.kind in ('unknown_payout', 'payout_without_line') and b.subject = p_payout_id
    )
$$;
comment on function finance.is_told(text) is
'Whether the rail has told of a payout that no line has: what is open about it is for people.';

create or replace function finance.is_untold(p_payout_id text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from halfin.untold_payouts as u where u.payout_id = p_payout_id)
$$;
comment on function finance.is_untold(text) is
'Whether the rail was asked about a payout of its ledger that no line has, and told nothing: two people may say what it was.';

create or replace function finance.record_untold(p_payout_id text, p_http_status integer)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    if finance.is_told(p_payout_id)
        or exists (select from finance.payout_lines as l where l.payout_id = p_payout_id) then
        return false;
    end if;
    -- What is wrong with our key, or with the hour, says nothing of the payout.
    if p_http_status >= 200 and p_http_status not in (401, 403, 408, 425, 429) then
        insert into halfin.untold_payouts (payout_id, http_status)
        select p_payout_id, p_http_status
        where exists (
            select from halfin.ledger_entries as e where e.payout_id = p_payout_id and e.amount < 0
        )
        on conflict do nothing;
    end if;
    return not finance.is_settled_by_people('ledger_without_line', p_payout_id);
end;
$$;
comment on function finance.record_untold(text, integer) is
'The rail, asked about a payout of its ledger that no line has, answered with this status. Returns whether it has told nothing of it and people have not said what it was.';

create or replace function finance.lookups_of_call(p_rail_id text)
returns table (path text, rail_id text, payout_window text, confirms text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select '/v1/payouts', l.payout_id, l.payout_window, null
    from finance.payout_lines as l
    inner join finance.payout_calls as c
        on l.batch_id = c.batch_id and l.call_sequence = c.sequence
    where c.rail_batch_id = p_rail_id and c.path <> '/v1/payouts' and l.payout_id is not null
    and l.state in ('frozen', 'submitted', 'failed') and l.returned_at is null
    order by 2
$$;
comment on function finance.lookups_of_call(text) is
'In place of a call of many lines: its payouts without a certain outcome, as open_lookups has them. Each payout''s own address is documented, the one of a batch is not.';

create or replace function finance.record_lookup(
    p_response bytea, p_confirms text default null
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_payout jsonb;
    v_moved bigint := 0;
begin
    perform finance.require_plain_call();
    for v_payout in
        select p.payout
        from jsonb_array_elements(
            finance.payouts_of(finance.readable_json(p_response))
        ) as p (payout)
        cross join lateral finance.class_of_status(p.payout ->> 'status') as c (class)
        left join finance.payout_lines as l on l.payout_id = p.payout ->> 'id'
        where l.line_id is null
        or (l.state in ('frozen', 'submitted') and (
            l.rail_status is distinct from p.payout ->> 'status' or c.class in ('completed', 'failed')
        ))
        or (l.state = 'failed' and (l.returned_at is null or c.class <> 'failed'))
        or (l.state = 'completed' and c.class in ('failed', 'unknown'))
        or (l.state = 'returned' and c.class <> 'failed')
        or (l.state = 'rejected' and c.class <> 'failed')
        or exists (
            select from finance.breaks as b
            where b.subject = l.line_id and b.kind = 'contrary_outcome' and b.closed_at is null
        )
        order by p.payout ->> 'id'
    loop
        v_moved := v_moved + (
            finance.record_payout(v_payout, case
                when v_payout ->> 'id' = p_confirms then 'confirmation' else 'lookup'
            end) in ('completed', 'returned')
        )::integer;
    end loop;
    return v_moved;
end;
$$;
comment on function finance.record_lookup(bytea, text) is
'Applies what the rail says of a batch or a payout when asked, with what open_lookups said that it confirms; returns how many lines got an outcome or came back. The only way in which a failed line''s money comes back.';

create or replace function finance.ledger_knows(p_currency text, p_page bytea) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- Past all rows of the newest instant: a rail may order those otherwise at each read, and a new one
    -- may stand behind a page of those that are known.
    select exists (
        select from finance.ledger_rows(p_page) as r
        inner join halfin.ledger_entries as e
            on e.currency = p_currency and r.ledger_entry_id = e.ledger_entry_id
        where e.created_at < (
            select max(n.created_at) from halfin.ledger_entries as n where n.currency = p_currency
        )
    )
    -- One row that the rail has dated years ahead is the newest for good, and all others older.
    and not exists (
        select from finance.ledger_rows(p_page) as r
        where r.amount is not null and r.ledger_entry_id is not null and not exists (
            select from halfin.ledger_entries as e
            where e.currency = p_currency and e.ledger_entry_id = r.ledger_entry_id
        )
    )
$$;
comment on function finance.ledger_knows(text, bytea) is
'Whether a page of the rail''s ledger, newest first, has nothing new and has gone past the newest instant that is known here.';

-- A row may become visible behind those that are known. Where the rail's count says that one has, it is
-- looked for in two weeks, which is two payouts: further back each read would take minutes.
create or replace function finance.ledger_knows_weeks(p_currency text, p_page bytea) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.ledger_rows(p_page) as r
        inner join halfin.ledger_entries as e
            on e.currency = p_currency and r.ledger_entry_id = e.ledger_entry_id
        where e.created_at < (
            select least(max(n.created_at), public.settle_now()) - interval '14 days'
            from halfin.ledger_entries as n where n.currency = p_currency
        )
    )
$$;
comment on function finance.ledger_knows_weeks(text, bytea) is
'Whether a page of the rail''s ledger, newest first, has gone two weeks past the newest instant that is known here.';

create or replace function finance.ledger_missing(p_currency text, p_pages bytea[]) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- As the rail counted them for the first page: what it has added since is in the next read.
    select case when c.total between 0 and 1000000000000 then greatest(
        c.total::bigint
        - (select count(*) from halfin.ledger_entries as e where e.currency = p_currency)
        - (
            select count(distinct r.ledger_entry_id)
            from unnest(p_pages) as p (page)
            cross join lateral finance.ledger_rows(p.page) as r
            where not exists (
                select from halfin.ledger_entries as e
                where e.currency = p_currency and e.ledger_entry_id = r.ledger_entry_id
            )
        ), 0
    ) else 0 end
    from finance.try_numeric(
        finance.try_jsonb(finance.sanitize_response(p_pages[1])) #>> '{meta,pagination,total}'
    ) as c (total)
$$;
comment on function finance.ledger_missing(text, bytea[]) is
'How many rows the rail counts in its ledger that are neither known here nor on these pages; 0 where it does not count.';

create or replace function finance.store_ledger(p_currency text, p_pages bytea[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_new bigint;
begin
    perform finance.require_plain_call();
    if exists (
        select from unnest(p_pages) as p (page) where finance.readable_json(p.page) is null
    ) then
        return null;
    end if;
    insert into halfin.ledger_entries (
        currency, ledger_entry_id, entry_type, amount, payout_id, created_at
    )
    select distinct on (r.ledger_entry_id)
        p_currency, r.ledger_entry_id, r.entry_type, r.amount, r.payout_id,
        -- The books need the amount; one without an instant that can be read is of now.
        coalesce(r.created_at, public.settle_now())
    from unnest(p_pages) as p (page)
    cross join lateral finance.ledger_rows(p.page) as r
    where r.amount is not null and r.ledger_entry_id is not null
    order by r.ledger_entry_id, r.created_at
    on conflict (currency, ledger_entry_id) do nothing;
    get diagnostics v_new = row_count;
    perform finance.open_break('unreadable_ledger_entry', r.ledger_entry_id,
        format('entry %s of the ledger of %s has no amount that is a number: it is left out',
            r.ledger_entry_id, p_currency))
    from unnest(p_pages) as p (page)
    cross join lateral finance.ledger_rows(p.page) as r
    where r.amount is null and r.ledger_entry_id is not null;
    -- Without an id each read would take it for another one.
    perform finance.open_break('unreadable_ledger_entry', p_currency,
        format('the ledger of %s has entries without an id: they are left out', p_currency))
    where exists (
        select from unnest(p_pages) as p (page)
        cross join lateral finance.ledger_rows(p.page) as r where r.ledger_entry_id is null
    );
    perform finance.raise_alert_once('ledger_incomplete', format('%s/%s', p_currency, m.missing),
        format('the rail counts %s more rows in its ledger of %s than it shows for the last two weeks: ask halfin for older rows that are new',
            m.missing, p_currency))
    from finance.ledger_missing(p_currency, p_pages) as m (missing) where m.missing > 0;
    insert into halfin.ledger_reads (currency, read_at, read_close)
    values (p_currency, public.settle_now(), finance.latest_closed_window())
    on conflict (currency) do update
    set read_at = excluded.read_at, read_close = excluded.read_close;
    return v_new;
end;
$$;
comment on function finance.store_ledger(text, bytea[]) is
'Keeps the rows of all pages since the last read, or none; returns how many were new, null where a page cannot be read.';

create or replace function finance.ledgers_to_read()
returns table (currency text, was_paid boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select k.currency, bool_or(k.was_paid)
    from (
        select l.rail_currency, true from finance.payout_lines as l
        union
        -- Also where nothing was paid yet, by what is known here: a database that was restored from
        -- before its first payout knows of none, and would pay it again with the next.
        select f.currency_code, false from handover.expected_fees as f
    ) as k (currency, was_paid)
    group by k.currency order by k.currency
$$;
comment on function finance.ledgers_to_read() is
'The rail''s currencies whose ledger has to be read: those of each payout that was ever frozen (was_paid), of which the rail must tell, and those in which a rail pays.';
