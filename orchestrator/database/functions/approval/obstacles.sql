-- What stands between a window and its payout. The freeze asks this very function, under its lock.
create or replace function finance.obstacles(p_window text, p_position finance.window_position)
returns setof text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_close finance.window_closes;
    v_batch finance.payout_batches;
    v_run constant text := finance.run_as_subject(p_window, p_position.run);
    v_earlier_minor numeric;
    v_approvers text[];
    v_needed integer;
begin
    select c.* into v_close from finance.window_closes as c where c.payout_window = p_window;
    if v_close is null then
        return next format('window %s has no stored close', p_window);
        return;
    end if;
    select b.* into v_batch from finance.payout_batches as b
    where b.payout_window = p_window and b.run = p_position.run and b.state <> 'rejected';
    if v_batch.batch_id is not null then
        return next format('%s is in batch %s already, which is %s', v_run, v_batch.batch_id,
            v_batch.state);
        return;
    end if;
    if p_window is distinct from finance.latest_closed_window() then
        return next format('window %s is not the latest closed and stored one (%s): its amounts have moved on',
            p_window, coalesce(finance.latest_closed_window(), 'none'));
        return;
    end if;
    if finance.pause_message() is not null then
        return next finance.pause_message();
    end if;
    -- Money that left for nobody knows what may be one of these lines.
    return query
    select format('the rail''s ledger shows payout %s, of which the rail has not told what it paid: %s',
        b.subject, case
            when finance.is_untold(b.subject) then format('ask halfin''s people, and two people close break %s with what it was', max(b.break_id))
            else 'run settle reconcile'
        end)
    from finance.breaks as b
    where b.kind = 'ledger_without_line' and b.closed_at is null and not exists (
        select from finance.payout_lines as l where l.payout_id = b.subject
    ) and not finance.is_told(b.subject)
    group by b.subject order by b.subject;
    -- What was sent before a restore, and is forgotten here: its own window meets it at the rail.
    return query
    select format('payout %s of %s is at the rail in our name and no line has it, so its seller could be paid again: pay %s first, or two people close break %s',
        b.subject, b.payout_window, b.payout_window, b.break_id)
    from finance.breaks as b
    where b.kind = 'payout_without_line' and b.closed_at is null
    and b.payout_window is distinct from p_window
    order by b.break_id limit 5;
    return query
    select format('check %s of %s failed (%s): mend it, or two people accept it (%s so far)',
        f.check_name, p_window, f.detail, coalesce(nullif(array_to_string(f.accepted_by, ', '), ''), 'nobody'))
    from finance.failed_checks(p_window) as f
    where cardinality(f.accepted_by) < 2;
    if p_position.line_count = 0 then
        return next format('%s has no line that is ready', v_run);
        return;
    end if;
    -- Amounts are sent as so many coins. No person can say that a coin is worth something else.
    return query
    select format('%s is settled in %s, and %s of rail %s is pegged to %s: name a coin of %s for the rail in the seed rails, or hold its %s sellers',
        p_window, v_close.currency, h.rail_currency, h.rail,
        coalesce(f.pegged_to, 'nothing that is known'), v_close.currency, count(*))
    from unnest(p_position.sellers) as h
    left join handover.expected_fees as f on h.rail_currency = f.currency_code
    where cardinality(h.hold_reasons) = 0 and f.pegged_to is distinct from v_close.currency
    group by h.rail, h.rail_currency, f.pegged_to
    order by h.rail;
    select array_agg(a.approved_by order by a.approved_by) into v_approvers
    from finance.approvals as a where a.approval_id = any(p_position.covering);
    -- What the window's earlier runs pay counts with it: no limit is met by paying in parts.
    select coalesce(sum(l.amount_minor), 0) into v_earlier_minor from finance.payout_lines as l
    where l.payout_window = p_window and l.state <> 'rejected';
    v_needed := case
        when p_position.total_minor + v_earlier_minor > finance.policy('dual_approval_above') then 2
        else 1
    end;
    if v_approvers is null and exists (
        select from finance.approvals as a
        where a.payout_window = p_window and a.run = p_position.run and a.revoked_at is null
    ) then
        return next format('the approval of %s does not cover what is ready now: review and approve digest %s',
            finance.run_name(p_window, p_position.run), p_position.digest);
    elsif v_approvers is null then
        return next format('%s is not approved: review it and approve digest %s', v_run,
            p_position.digest);
    elsif cardinality(v_approvers) < v_needed then
        return next format('%s%s is above the limit for one person: a second approval is needed beside %s',
            finance.money(p_position.total_minor),
            case when v_earlier_minor > 0 then format(' and the %s of earlier runs', finance.money(v_earlier_minor)) else '' end,
            array_to_string(v_approvers, ', '));
    elsif cardinality(v_approvers) = 1 then
        return query
        select o.obstacle
        from finance.only_approver_obstacle(v_approvers[1], p_window, p_position.sellers) as o (obstacle)
        where o.obstacle is not null;
    end if;
    if public.settle_now() < v_close.payout_due_at then
        return next format('window %s is due at %s', p_window,
            to_char(v_close.payout_due_at at time zone v_close.settlement_timezone, 'YYYY-MM-DD HH24:MI')
            || ' ' || v_close.settlement_timezone);
    end if;
end;
$$;
comment on function finance.obstacles(text, finance.window_position) is
'What stands between a window and its payout, one message a row, in the order a person would mend it; no row when nothing does.';
