-- The gate, the freeze, and what answers and outcomes do to a batch and its lines.

-- Who holds today's ready lines, to the letter: a standing approval that has every one of them
-- with the same amount, rail and wallet. Lines it has beside them became held and are left out.
create function finance.covering_approvals(p_window text)
returns setof finance.approvals
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select a.* from finance.approvals as a
    where a.payout_window = p_window and a.revoked_at is null
    -- Somebody who has left the group since decides about no money any more.
    and exists (
        select from pg_catalog.pg_roles as r
        where r.rolname = a.approved_by and pg_has_role(r.oid, 'settle_finance', 'member')
    )
    and not exists (
        select h.seller_id, h.net_minor, h.rail, h.wallet_address
        from finance.current_holds(p_window) as h where cardinality(h.hold_reasons) = 0
        except
        select l.seller_id, l.net_minor, l.rail, l.wallet_address
        from finance.approval_lines as l where l.approval_id = a.approval_id
    );
end;
$$;

-- What stands between a window and its payout, in the order a person would mend it; no row when
-- nothing does. The freeze asks this very function, under its lock.
create function finance.payout_obstacles(p_window text) returns setof text
language plpgsql stable security definer set search_path = '' as $$
declare
    v_close finance.window_closes;
    v_set finance.payable_set;
    v_batch finance.payout_batches;
    v_approvers text[];
    v_needed integer;
begin
    select c.* into v_close from finance.window_closes as c where c.payout_window = p_window;
    if v_close is null then
        return next format('window %s has no stored close', p_window);
        return;
    end if;
    select b.* into v_batch from finance.payout_batches as b
    where b.payout_window = p_window and b.state <> 'rejected';
    if v_batch.batch_id is not null then
        return next format('window %s is in batch %s already, which is %s', p_window,
            v_batch.batch_id, v_batch.state);
        return;
    end if;
    if p_window is distinct from finance.latest_closed_window() then
        return next format('window %s is not the latest closed and stored one (%s): its amounts have moved on',
            p_window, coalesce(finance.latest_closed_window(), 'none'));
        return;
    end if;
    v_set := finance.payable(p_window);
    if v_set.line_count = 0 then
        return next format('window %s has no line that is ready', p_window);
        return;
    end if;
    select array_agg(a.approved_by order by a.approved_by) into v_approvers
    from finance.covering_approvals(p_window) as a;
    select case when v_set.total_minor > p.dual_approval_above_minor then 2 else 1 end into v_needed
    from finance.payout_policies as p
    where p.valid_from <= public.settle_now()
    order by p.valid_from desc, p.policy_id desc limit 1;
    if v_approvers is null and exists (
        select from finance.approvals as a
        where a.payout_window = p_window and a.revoked_at is null
    ) then
        return next format('the approval of %s does not hold what is ready now: review and approve digest %s',
            p_window, v_set.digest);
    elsif v_approvers is null then
        return next format('window %s is not approved: review it and approve digest %s', p_window,
            v_set.digest);
    elsif cardinality(v_approvers) < v_needed then
        return next format('%s is above the limit for one person: a second approval is needed beside %s',
            finance.money(v_set.total_minor), array_to_string(v_approvers, ', '));
    elsif exists (
        select from finance.hold_releases as x
        inner join finance.current_holds(p_window) as h on x.seller_id = h.seller_id
        where x.payout_window = p_window and cardinality(h.hold_reasons) = 0
        and array[x.released_by] = v_approvers
    ) then
        return next format('%s released a held seller of %s and is its only approver: somebody else must approve too',
            v_approvers[1], p_window);
    end if;
    if public.settle_now() < v_close.payout_due_at then
        return next format('window %s is due at %s', p_window,
            to_char(v_close.payout_due_at at time zone v_close.settlement_timezone, 'YYYY-MM-DD HH24:MI')
            || ' ' || v_close.settlement_timezone);
    end if;
end;
$$;

create function finance.freeze_batch(p_window text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_batch finance.payout_batches;
    v_set record;
    v_attempt integer;
    v_key text;
    v_body text;
begin
    perform finance.lock_decisions();
    select b.* into v_batch from finance.payout_batches as b
    where b.payout_window = p_window and b.state <> 'rejected';
    if v_batch.batch_id is not null then
        return v_batch.batch_id;
    end if;
    -- One statement sees one state: what is frozen is what the approvals were compared with.
    select g.obstacles, p.* into v_set
    from (select string_agg(o, '; ') as obstacles from finance.payout_obstacles(p_window) as o) as g
    cross join finance.payable(p_window) as p;
    if v_set.obstacles is not null then
        raise exception '%', v_set.obstacles;
    end if;
    select coalesce(max(b.attempt), 0) + 1 into v_attempt
    from finance.payout_batches as b where b.payout_window = p_window;
    -- The key names the installation, the window and the attempt and nothing else: after a restore
    -- from a backup the same attempt meets the same key, and other bytes under it are refused.
    select format('settle/%s/%s/%s', i.installation_id, p_window, v_attempt) into v_key
    from finance.installation as i;
    insert into finance.payout_batches (
        payout_window, attempt, digest, currency, line_count, total_minor, idempotency_key
    )
    values (
        p_window, v_attempt, v_set.digest, v_set.currency, v_set.line_count, v_set.total_minor, v_key
    )
    returning * into v_batch;
    insert into finance.payout_lines (
        line_id, batch_id, payout_window, seller_id, amount_minor, rail, rail_currency,
        wallet_address, idempotency_key
    )
    select
        k.line_id, v_batch.batch_id, p_window, h.seller_id, h.net_minor, h.rail, h.rail_currency,
        h.wallet_address, v_key || '/' || k.line_id
    from finance.current_holds(p_window) as h
    cross join lateral (
        select left(encode(sha256(convert_to(v_key || '|' || h.seller_id, 'UTF8')), 'hex'), 32) as line_id
    ) as k
    where cardinality(h.hold_reasons) = 0;
    insert into finance.batch_approvals
    select v_batch.batch_id, a.approval_id from finance.approvals as a
    where a.payout_window = p_window and a.revoked_at is null
    -- Somebody who has left the group since decides about no money any more.
    and exists (
        select from pg_catalog.pg_roles as r
        where r.rolname = a.approved_by and pg_has_role(r.oid, 'settle_finance', 'member')
    )
    and not exists (
        select f.seller_id, f.amount_minor, f.rail, f.wallet_address
        from finance.payout_lines as f where f.batch_id = v_batch.batch_id
        except
        select l.seller_id, l.net_minor, l.rail, l.wallet_address
        from finance.approval_lines as l where l.approval_id = a.approval_id
    );
    insert into finance.batch_left_out
    select distinct on (l.seller_id) v_batch.batch_id, l.seller_id, l.net_minor, h.hold_reasons[1]
    from finance.approval_lines as l
    inner join finance.batch_approvals as a
        on l.approval_id = a.approval_id and a.batch_id = v_batch.batch_id
    inner join finance.current_holds(p_window) as h on l.seller_id = h.seller_id
    where cardinality(h.hold_reasons) > 0
    order by l.seller_id, l.approval_id;
    -- What was frozen is what was approved and what was stored, counted once more.
    if not exists (
        select from finance.batch_approvals as a where a.batch_id = v_batch.batch_id
    ) or v_set.digest is distinct from (
        select finance.digest_of(
            p_window, v_batch.currency, count(*), sum(l.amount_minor),
            string_agg(
                l.seller_id || '|' || finance.money(l.amount_minor) || '|' || l.rail || '|'
                || l.wallet_address || E'\n', '' order by l.seller_id collate "C"
            )
        )
        from finance.payout_lines as l
        inner join finance.window_close_rows as r
            on l.payout_window = r.payout_window and l.seller_id = r.seller_id
            and l.amount_minor = r.net_minor and l.rail = r.rail
            and l.wallet_address = r.wallet_address
        where l.batch_id = v_batch.batch_id
    ) then
        raise exception 'the lines of % changed while it was frozen: nothing was frozen, run it again', p_window;
    end if;
    select json_build_object(
        'idempotency_key', v_key,
        'description', 'Settlement ' || p_window,
        'payouts', json_agg(json_build_object(
            'currency', l.rail_currency,
            'amount', (l.amount_minor::numeric / 100)::numeric(30, 6)::text,
            'destination', l.wallet_address,
            'description', 'Settlement ' || p_window,
            'metadata', json_build_object(
                'seller_id', l.seller_id, 'payout_window', p_window, 'line_id', l.line_id
            ),
            'idempotency_key', l.idempotency_key
        ) order by l.seller_id)
    )::text into v_body
    from finance.payout_lines as l where l.batch_id = v_batch.batch_id;
    insert into finance.payout_calls (batch_id, sequence, idempotency_key, path, body, body_sha256)
    select
        v_batch.batch_id, 1, v_key, p.batch_path, v_body,
        encode(sha256(convert_to(v_body, 'UTF8')), 'hex')
    from finance.payout_policies as p
    where p.valid_from <= public.settle_now()
    order by p.valid_from desc, p.policy_id desc limit 1;
    insert into finance.line_events (line_id, kind, source)
    select l.line_id, 'frozen', 'freeze' from finance.payout_lines as l
    where l.batch_id = v_batch.batch_id;
    return v_batch.batch_id;
end;
$$;
comment on function finance.freeze_batch(text) is
'Freezes the approved lines of a window into a batch and writes the call to make; returns the standing batch where there is one. Refuses with what is missing.';

-- Committed before the call goes out; returns the exact bytes, or no row when there is nothing to send.
create function finance.begin_call(p_batch_id bigint)
returns table (sequence integer, path text, body text)
language plpgsql security definer set search_path = '' as $$
begin
    update finance.payout_batches as b set state = 'submitting'
    where b.batch_id = p_batch_id and b.state in ('frozen', 'submitting', 'unknown');
    return query
    update finance.payout_calls as c
    set state = 'sending', tries = c.tries + 1, first_sent_at = coalesce(c.first_sent_at, public.settle_now())
    where c.batch_id = p_batch_id and c.state in ('ready', 'sending', 'unknown')
    returning c.sequence, c.path, c.body;
end;
$$;

create function finance.rail_environment() returns text
language sql stable security definer set search_path = '' as $$
    select case when i.environment = 'production' then 'live' else 'test' end
    from finance.installation as i
$$;

-- PostgreSQL 15 has no pg_input_is_valid. Null where the text is no number, or no document.
create function finance.try_numeric(p_text text) returns numeric
language plpgsql immutable set search_path = '' as $$
begin
    return p_text::numeric;
exception when data_exception then
    return null;
end;
$$;

create function finance.try_jsonb(p_text text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
    return p_text::jsonb;
exception when data_exception then
    return null;
end;
$$;

-- One payout as the rail shows it, from its answer, a webhook or a look-up. Harmless to repeat and
-- in any order. `p_source` is 'answer', 'webhook' or 'lookup'; only a look-up confirms a failure.
create function finance.record_payout(p_payout jsonb, p_source text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_line finance.payout_lines;
    v_status text := p_payout ->> 'status';
    v_payout_id text := p_payout ->> 'id';
    v_amount numeric;
    v_fee numeric;
    v_mismatch text;
    v_returned boolean;
begin
    -- What is no number is none; it must not keep the rest of an answer from being recorded.
    v_amount := finance.try_numeric(p_payout ->> 'amount');
    v_fee := finance.try_numeric(p_payout ->> 'network_fee');
    select l.* into v_line from finance.payout_lines as l
    where l.payout_id = v_payout_id
    -- A webhook may come before our own answer; an answer names the key and not our metadata.
    or (
        l.payout_id is null and (
            l.line_id = p_payout #>> '{metadata,line_id}'
            or l.idempotency_key = p_payout ->> 'idempotency_key'
        )
    )
    order by l.payout_id nulls last limit 1
    for update;
    if v_line.line_id is null then
        perform finance.open_break('unknown_payout', coalesce(v_payout_id, 'no id'),
            format('the rail speaks of payout %s, status %s, that no line of ours asked for',
                coalesce(v_payout_id, 'without id'), coalesce(v_status, 'none')));
        return 'break';
    end if;
    v_mismatch := case
        when v_payout_id is null then 'id: it has none'
        when v_amount is distinct from v_line.amount_minor::numeric / 100 then 'amount'
        when p_payout ->> 'destination' is distinct from v_line.wallet_address then 'destination'
        when p_payout ->> 'currency' is distinct from v_line.rail_currency then 'currency'
        when p_payout ->> 'environment' is distinct from finance.rail_environment() then 'environment'
        when v_line.state = 'rejected' then 'state: the batch was rejected'
    end;
    if v_mismatch is not null then
        perform finance.open_break('mismatch', v_line.line_id,
            format('payout %s of seller %s differs from its line in %s', coalesce(v_payout_id, 'without id'),
                v_line.seller_id, v_mismatch));
        return 'break';
    end if;
    v_returned := v_line.returned_at is not null;
    if v_status = 'completed' and v_line.state <> 'completed' then
        update finance.payout_lines set
            state = 'completed', payout_id = v_payout_id, tx_hash = p_payout ->> 'tx_hash',
            network_fee = v_fee, failure_code = null, failure_reason = null,
            outcome_at = public.settle_now(),
            retaken_at = case when v_returned then public.settle_now() end
        where line_id = v_line.line_id;
        insert into finance.line_events (line_id, kind, source, detail) values (
            v_line.line_id,
            case v_line.state when 'failed' then 'completed_after_failed' else 'completed' end,
            p_source, v_payout_id
        );
        if v_line.state = 'failed' then
            perform finance.raise_alert('completed_after_failed', v_line.line_id,
                format('payout %s of seller %s completed after it had failed', v_payout_id, v_line.seller_id));
        end if;
        return 'completed';
    end if;
    if v_status = 'failed' and v_line.state = 'completed' then
        perform finance.open_break('failed_after_completed', v_line.line_id,
            format('payout %s of seller %s is called failed after it had completed', v_payout_id, v_line.seller_id));
        return 'break';
    end if;
    if v_status = 'failed' and v_line.state in ('frozen', 'submitted') then
        update finance.payout_lines set
            state = 'failed', payout_id = v_payout_id,
            failure_code = p_payout ->> 'failure_code',
            failure_reason = coalesce(p_payout ->> 'failure_reason', p_payout ->> 'failure_code', 'no reason given'),
            outcome_at = public.settle_now()
        where line_id = v_line.line_id
        returning * into v_line;
        insert into finance.line_events (line_id, kind, source, detail)
        values (v_line.line_id, 'failed', p_source, v_line.failure_reason);
    end if;
    -- A look-up does not say why; the webhook that comes after it does.
    if v_status = 'failed' and v_line.failure_code is null and p_payout ->> 'failure_code' is not null then
        update finance.payout_lines set
            failure_code = p_payout ->> 'failure_code',
            failure_reason = coalesce(p_payout ->> 'failure_reason', p_payout ->> 'failure_code')
        where line_id = v_line.line_id;
    end if;
    if v_status = 'failed' and v_line.state = 'failed' and p_source = 'lookup' and not v_returned then
        update finance.payout_lines set returned_at = public.settle_now()
        where line_id = v_line.line_id;
        insert into finance.line_events (line_id, kind, source, detail)
        values (v_line.line_id, 'failure_confirmed', p_source, v_payout_id);
        return 'returned';
    end if;
    if v_status in ('pending_approval', 'processing') and v_line.state in ('frozen', 'submitted') then
        update finance.payout_lines set state = 'submitted', payout_id = v_payout_id
        where line_id = v_line.line_id and (state, payout_id) is distinct from ('submitted', v_payout_id);
        if found then
            insert into finance.line_events (line_id, kind, source, detail)
            values (v_line.line_id, 'submitted', p_source, v_payout_id);
        end if;
        return 'submitted';
    end if;
    return v_line.state;
end;
$$;

-- The rail's answer to a call. `p_outcome` is 'accepted', 'rejected', 'stopped' or 'unknown'.
create function finance.record_answer(
    p_batch_id bigint, p_sequence integer, p_outcome text, p_http_status integer, p_response text
) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_batch finance.payout_batches;
    v_state text := case p_outcome when 'stopped' then 'unknown' else p_outcome end;
    v_payout jsonb;
    v_missing bigint;
begin
    select b.* into v_batch from finance.payout_batches as b
    where b.batch_id = p_batch_id for update;
    -- An answer that the database cannot read is no certain answer.
    if finance.try_jsonb(p_response) is null then
        v_state := 'unknown';
    end if;
    if v_batch.state in ('accepted', 'rejected') then
        -- Of two runs at once one was refused, the other taken: lines that came back may be paid.
        if v_batch.state = 'rejected' and v_state = 'accepted' then
            perform finance.record_payout(p.payout, 'answer')
            from jsonb_array_elements(p_response::jsonb #> '{data,payouts}') as p (payout);
            perform finance.raise_alert('accepted_after_rejected', v_batch.payout_window,
                format('the rail took the batch of %s after it had rejected it: ask halfin before anything else',
                    v_batch.payout_window));
        end if;
        return v_batch.state;
    end if;
    -- A rejection cannot be the whole truth where the rail has spoken of a payout before, nor where
    -- an earlier try may have been taken and this refusal ("balance too low") be its doing.
    if v_state = 'rejected' and (
        exists (
            select from finance.payout_lines as l
            where l.batch_id = p_batch_id and l.state <> 'frozen'
        )
        or exists (
            select from finance.payout_calls as c
            where c.batch_id = p_batch_id and c.tries > 1
            and p_response::jsonb #>> '{error,code}' is distinct from 'validation_error'
        )
    ) then
        v_state := 'unknown';
    end if;
    update finance.payout_calls set
        state = v_state, answered_at = public.settle_now(), http_status = p_http_status,
        response = p_response
    where batch_id = p_batch_id and sequence = p_sequence;
    update finance.payout_batches set
        state = v_state, answered_at = public.settle_now(),
        state_note = case when v_state <> 'accepted' then left(p_response, 2000) end,
        rail_batch_id = case when v_state = 'accepted' then p_response::jsonb #>> '{data,id}' end
    where batch_id = p_batch_id;
    if v_state = 'accepted' then
        for v_payout in select jsonb_array_elements(p_response::jsonb #> '{data,payouts}') loop
            perform finance.record_payout(v_payout, 'answer');
        end loop;
        select count(*) into v_missing from finance.payout_lines as l
        where l.batch_id = p_batch_id and l.payout_id is null;
        if v_missing > 0 then
            perform finance.open_break('missing_payouts', p_batch_id::text,
                format('the rail accepted batch %s but %s of its lines are not in the answer', p_batch_id, v_missing));
        end if;
    elsif v_state = 'rejected' then
        update finance.payout_lines set state = 'rejected', returned_at = public.settle_now()
        where batch_id = p_batch_id;
        insert into finance.line_events (line_id, kind, source)
        select l.line_id, 'rejected', 'answer' from finance.payout_lines as l
        where l.batch_id = p_batch_id;
        -- An approval is good for one attempt: the next one takes a new decision.
        update finance.approvals set revoked_by = session_user, revoked_at = public.settle_now()
        where payout_window = v_batch.payout_window and revoked_at is null;
        perform finance.raise_alert('rejected', v_batch.payout_window,
            format('the rail rejected the batch of %s, nothing was paid: %s', v_batch.payout_window, left(p_response, 500)));
    else
        perform finance.raise_alert('unknown', v_batch.payout_window,
            format('the batch of %s has no certain answer (HTTP %s): run settle pay %s again, it asks with the same key',
                v_batch.payout_window, p_http_status, v_batch.payout_window));
    end if;
    return v_state;
end;
$$;

-- A batch as the rail shows it now, asked for; moves the lines that have no certain outcome yet.
create function finance.record_lookup(p_batch_id bigint, p_response text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_payout jsonb;
    v_moved bigint := 0;
begin
    perform from finance.payout_batches as b where b.batch_id = p_batch_id for update;
    for v_payout in
        select p.payout
        from jsonb_array_elements(p_response::jsonb #> '{data,payouts}') as p (payout)
        left join finance.payout_lines as l on l.payout_id = p.payout ->> 'id'
        where l.line_id is null
        or (l.state in ('frozen', 'submitted') and p.payout ->> 'status' in ('completed', 'failed'))
        or (l.state = 'failed' and (l.returned_at is null or p.payout ->> 'status' = 'completed'))
    loop
        v_moved := v_moved + (
            finance.record_payout(v_payout, 'lookup') in ('completed', 'returned')
        )::integer;
    end loop;
    return v_moved;
end;
$$;
comment on function finance.record_lookup(bigint, text) is
'Applies what the rail says of a batch when asked; returns how many lines got an outcome or came back. The only way in which a failed line''s money comes back.';
