-- Approvals: exactly what was seen, under the own name.

create or replace function finance.approve(p_window text, p_digest text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_set finance.payable_set;
    v_run text;
    v_current finance.approvals;
    v_id bigint;
begin
    perform finance.lock_decisions();
    if not exists (select from finance.window_closes where payout_window = p_window) then
        raise exception 'window % has no stored close: nothing to approve yet', p_window;
    end if;
    if p_window is distinct from finance.latest_closed_window() then
        raise exception 'window % is not the latest closed one (%): its amounts have moved on',
            p_window, coalesce(finance.latest_closed_window(), 'none is stored');
    end if;
    v_set := finance.payable(p_window);
    v_run := finance.run_as_subject(p_window, v_set.run);
    if exists (
        select from finance.payout_batches as b
        where b.payout_window = p_window and b.run = v_set.run and b.state <> 'rejected'
    ) then
        raise exception '% is frozen already: nothing is left to approve', v_run;
    end if;
    if v_set.line_count = 0 then
        raise exception '% has no line that is ready: nothing to approve', v_run;
    end if;
    if v_set.digest is distinct from p_digest then
        raise exception 'the digest of % is now % (% lines, % %), not %: review again and approve what you saw',
            finance.run_name(p_window, v_set.run), v_set.digest, v_set.line_count, finance.money(v_set.total_minor),
            v_set.currency, coalesce(p_digest, 'empty');
    end if;
    select a.* into v_current from finance.approvals as a
    where a.payout_window = p_window and a.run = v_set.run and a.approved_by = v_person
    and a.revoked_at is null;
    if v_current.digest = p_digest then
        return v_current.approval_id;
    end if;
    -- A newer approval by the same person takes the place of the older one.
    update finance.approvals set revoked_by = v_person, revoked_at = public.settle_now()
    where approval_id = v_current.approval_id;
    insert into finance.approvals (payout_window, run, digest, currency, line_count, total_minor)
    values (p_window, v_set.run, v_set.digest, v_set.currency, v_set.line_count, v_set.total_minor)
    returning approval_id into v_id;
    insert into finance.approval_lines
    select v_id, h.seller_id, h.net_minor, h.rail, h.rail_currency, h.wallet_address
    from finance.rows_without_line(p_window) as h
    where cardinality(h.hold_reasons) = 0;
    -- The lines kept are those of the digest, whatever else was committed in between.
    if v_set.digest is distinct from (
        select finance.approval_digest(a) from finance.approvals as a where a.approval_id = v_id
    ) then
        raise exception 'the lines of % changed while it was approved: review and approve again', p_window;
    end if;
    return v_id;
end;
$$;
comment on function finance.approve(text, text) is
'One person''s approval of exactly the lines that the digest names, for the current run of a window; returns its id, the same again where they had approved these. An older approval of theirs for the run is revoked. Raises where the window is not the latest closed one, the run is frozen, no line is ready, or the digest is not the current one.';

create or replace function finance.revoke_approval(p_window text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_batch finance.payout_batches;
begin
    perform finance.lock_decisions();
    v_batch := finance.latest_batch(p_window);
    -- Of a run that is not frozen, also where nothing of it is ready any more.
    update finance.approvals set revoked_by = v_person, revoked_at = public.settle_now()
    where payout_window = p_window and approved_by = v_person and revoked_at is null
    and run > coalesce(v_batch.run, 0);
    if not found and finance.current_run(p_window) = v_batch.run then
        raise exception '% is frozen already: an approval can no longer be revoked',
            finance.run_as_subject(p_window, v_batch.run);
    end if;
    return found;
end;
$$;
comment on function finance.revoke_approval(text) is
'Takes back one''s own approvals of a window''s runs that are not frozen; true where there was one. Raises where the current run is frozen.';
