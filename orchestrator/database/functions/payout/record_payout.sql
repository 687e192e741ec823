-- One payout as the rail shows it, from its response, a webhook or a look-up. Harmless to repeat and
-- in any order.

create or replace function finance.line_of_payout(p_payout jsonb) returns finance.payout_lines
language sql stable set search_path = pg_catalog, pg_temp as $$
    select l.* from finance.payout_lines as l
    -- A webhook may come before the response, which names the key and not our metadata.
    where (
        l.payout_id = p_payout ->> 'id'
        or l.line_id = p_payout #>> '{metadata,line_id}'
        or l.idempotency_key = p_payout ->> 'idempotency_key'
    )
    -- Not as an or, which an index answers: once without a payout was each of thousands.
    and case when l.payout_id is null then true else l.payout_id = p_payout ->> 'id' end
    -- Attempts share the key: what metadata names, else the one that stands.
    order by
        l.payout_id nulls last, l.line_id is distinct from p_payout #>> '{metadata,line_id}',
        l.state = 'rejected', l.batch_id desc
    limit 1
$$;

create or replace function finance.is_paid_without_line(p_payout_id text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from halfin.ledger_entries as e where e.payout_id = p_payout_id and e.amount < 0
    )
    and not exists (select from finance.payout_lines as l where l.payout_id = p_payout_id)
    -- However often the rail tells of it.
    and not exists (
        select from finance.breaks as b where b.kind = 'unknown_payout' and b.subject = p_payout_id
    )
$$;
comment on function finance.is_paid_without_line(text) is
'Whether money left for a payout, by the rail''s ledger, that no line has and of which the rail has not told what it was.';

create or replace function finance.mismatch(p_payout jsonb, p_line finance.payout_lines) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case
        when p_payout ->> 'id' is null then 'id: it has none'
        when finance.try_numeric(p_payout ->> 'amount')
            is distinct from finance.decimal_amount(p_line.amount_minor) then 'amount'
        when p_payout ->> 'destination' is distinct from p_line.wallet_address then 'destination'
        when p_payout ->> 'currency' is distinct from p_line.rail_currency then 'currency'
        when p_payout ->> 'environment' is distinct from finance.rail_environment() then 'environment'
    end
$$;
comment on function finance.mismatch(jsonb, finance.payout_lines) is
'In what a payout of the rail differs from the line that asked for it; null where in nothing.';

create or replace function finance.window_of_our_key(p_payout jsonb) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select c.payout_window
    from finance.installation as i
    cross join lateral (
        select regexp_replace(p_payout ->> 'idempotency_key', '^settle/[^/]*/([^/]*)/.*$', '\1')
            as payout_window
    ) as c
    where p_payout ->> 'idempotency_key' like 'settle/' || i.installation_id || '/%'
    and c.payout_window ~ '^[0-9]{4}-W[0-9]{2}$'
    and not exists (
        select from finance.payout_lines as l
        where l.idempotency_key = p_payout ->> 'idempotency_key'
    )
$$;
comment on function finance.window_of_our_key(jsonb) is
'The window that a payout''s key names, where this installation made the key and no line has it; null otherwise.';

-- A restored database has forgotten what it sent. The window itself can be paid, as its keys meet the
-- payout at the rail; another one would carry the same money in and pay it again.
create or replace function finance.record_without_line(p_payout jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_window constant text := finance.window_of_our_key(p_payout);
    v_payout_id constant text := coalesce(p_payout ->> 'id', 'no id');
begin
    insert into finance.breaks (kind, subject, detail, payout_window, payout_key)
    select 'payout_without_line', v_payout_id, format(
        'the rail has payout %s of %s in our name, and no line here has it: was the database restored?',
        v_payout_id, v_window), v_window, p_payout ->> 'idempotency_key'
    -- However often the rail tells of it, and in whatever state.
    where not exists (
        select from finance.breaks as b
        where b.kind = 'payout_without_line' and b.subject = v_payout_id
    )
    on conflict do nothing;
    if found then
        perform finance.raise_alert('break', v_payout_id, format(
            'payout_without_line: the rail has payout %s of %s in our name, and no line here has it: pay no other window before it is clear',
            v_payout_id, v_window));
    end if;
    return 'break';
end;
$$;
comment on function finance.record_without_line(jsonb) is
'Opens a break for a payout in our name that no line has; while it is open, no other window is paid.';

create or replace function finance.return_lines(p_line_ids text[], p_state text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update finance.line_windows set is_standing = false
    where line_id = any(p_line_ids) and is_standing;
    update finance.payout_lines
    set state = p_state, returned_at = coalesce(returned_at, finance.this_instant())
    where line_id = any(p_line_ids)
$$;
comment on function finance.return_lines(text[], text) is
'Makes the money of the lines the sellers'' balance again, and their windows payable by another line.';

create or replace function finance.record_payout(p_payout jsonb, p_source text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_line finance.payout_lines;
    v_status text := p_payout ->> 'status';
    v_class text := finance.class_of_status(p_payout ->> 'status');
    v_payout_id text := p_payout ->> 'id';
    v_mismatch text;
begin
    perform from finance.payout_lines as l
    where l.line_id = (finance.line_of_payout(p_payout)).line_id for update;
    -- Again: what waited for the lock must see what it waited for.
    v_line := finance.line_of_payout(p_payout);
    if v_line.line_id is null and finance.window_of_our_key(p_payout) is not null and v_class <> 'failed' then
        return finance.record_without_line(p_payout);
    elsif v_line.line_id is null then
        -- Unasked, the rail may say that it failed, and pay it after all: then it is asked.
        perform finance.open_break(case
                when v_class = 'failed' and p_source not in ('lookup', 'confirmation') then 'failed_without_line'
                -- Without its key it may be one of ours, sent before a restore: it is asked about.
                when v_payout_id is not null and p_source = 'webhook'
                    and p_payout ->> 'idempotency_key' is null then 'payout_without_key'
                else 'unknown_payout'
            end, coalesce(v_payout_id, 'no id'),
            format('the rail speaks of payout %s, status %s, that no line of ours asked for',
                coalesce(v_payout_id, 'without id'), coalesce(v_status, 'none')));
        return 'break';
    end if;
    p_payout := finance.without_erased(p_payout, v_line);
    v_mismatch := finance.mismatch(p_payout, v_line);
    if v_mismatch is not null then
        perform finance.open_break('mismatch', v_line.line_id,
            format('payout %s of seller %s differs from its line in %s', coalesce(v_payout_id, 'without id'),
                v_line.seller_id, v_mismatch));
        -- Asked what left as this payout, the rail has told: all others can be paid.
        if p_source in ('lookup', 'confirmation') and finance.is_paid_without_line(v_payout_id) then
            perform finance.open_break('unknown_payout', v_payout_id,
                format('the rail has paid payout %s for seller %s in %s, and it differs from the line in %s: what the seller has of it is for people to say',
                    v_payout_id, v_line.seller_id, v_line.payout_window, v_mismatch));
        end if;
        return 'break';
    end if;
    -- What people resolved before the rail had named its payout: else the ledger's would stay unknown.
    if v_line.payout_id is null and v_line.state in ('completed', 'failed', 'returned') then
        update finance.payout_lines set payout_id = v_payout_id
        where line_id = v_line.line_id returning * into v_line;
    end if;
    if v_line.state = 'rejected' then
        return finance.record_after_rejected(v_line, p_payout, p_source);
    -- What people have said of it stays until they have looked again.
    elsif (v_class = 'completed' and v_line.state = 'returned'
            and finance.is_resolved_as(v_line.line_id, 'returned')
            and finance.paid_by_ledger(v_payout_id) <= 0)
        or (v_class = 'failed' and v_line.state = 'completed'
            and finance.is_resolved_as(v_line.line_id, 'completed')) then
        return finance.record_contrary(v_line, p_payout);
    elsif v_class = 'completed' then
        return finance.record_completed(v_line, p_payout, p_source);
    -- Another word for failed counts once the rail was asked.
    elsif v_class = 'failed' and (
        v_status = 'failed' or p_source in ('lookup', 'confirmation') or v_line.state = 'completed'
    ) then
        return finance.record_failed(v_line, p_payout, p_source);
    end if;
    if v_class = 'unknown' then
        perform finance.raise_alert_once('unknown_status', v_line.line_id || '/' || coalesce(v_status, ''),
            format('payout %s of seller %s in %s is %s by the rail, a state that is not known here: nothing was moved; ask halfin what became of it',
                v_payout_id, v_line.seller_id, v_line.payout_window,
                coalesce(finance.truncate_message(v_status), 'in no state')));
    end if;
    -- A response may be older than the outcome; a look-up, and any word after that of people, is not. Of a
    -- call that was refused, or that people called lost, there should be no payout at all.
    if v_class <> 'failed' and v_line.state in ('failed', 'returned') and v_line.returned_at is not null
        and (
            p_source in ('lookup', 'confirmation')
            or finance.is_resolved_as(v_line.line_id, v_line.state)
            or exists (
                select from finance.payout_calls as c
                where c.batch_id = v_line.batch_id and c.sequence = v_line.call_sequence
                and c.state = 'rejected'
            )
        ) then
        return finance.record_contrary(v_line, p_payout);
    end if;
    if v_line.state in ('frozen', 'submitted') then
        update finance.payout_lines
        set state = 'submitted', payout_id = v_payout_id, rail_status = v_status
        where line_id = v_line.line_id
        and (state, payout_id, rail_status) is distinct from ('submitted', v_payout_id, v_status);
        if found and v_line.state = 'frozen' then
            insert into finance.line_events (line_id, kind, source, detail)
            values (v_line.line_id, 'submitted', p_source, v_payout_id);
        end if;
        return 'submitted';
    end if;
    return case v_class when 'unknown' then 'unknown' else v_line.state end;
end;
$$;
comment on function finance.record_payout(jsonb, text) is
'Moves the line of a payout where everything matches, else opens a break. p_source is answer, webhook, lookup, or confirmation: a look-up made since the rail was known to contradict itself. Only a look-up confirms a failure, only a confirmation a return. Returns the line''s state, returned, unknown, or break.';
