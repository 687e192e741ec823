-- Breaks and alerts: what differs from the rail, and what needs a person.

create or replace function finance.raise_alert(p_kind text, p_subject text, p_message text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into finance.alerts (kind, subject, message) values (p_kind, p_subject, p_message)
$$;
comment on function finance.raise_alert(text, text, text) is
'Writes an alert: its kind, what it is about, and one message with what to do. Posting it comes later.';

create or replace function finance.raise_alert_once(p_kind text, p_subject text, p_message text)
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into finance.alerts (kind, subject, message)
    select p_kind, p_subject, p_message
    where not exists (
        select from finance.alerts as a where a.kind = p_kind and a.subject = p_subject
    )
$$;
comment on function finance.raise_alert_once(text, text, text) is
'For what goes on until somebody mends it: one alert for a kind and subject, ever.';

create or replace function finance.open_break(p_kind text, p_subject text, p_detail text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into finance.breaks (kind, subject, detail) values (p_kind, p_subject, p_detail)
    on conflict (kind, subject, detail) where closed_at is null do nothing;
    if found then
        perform finance.raise_alert('break', p_subject, p_kind || ': ' || p_detail);
    end if;
end;
$$;
comment on function finance.open_break(text, text, text) is
'Opens a break and raises an alert; does nothing where the same one is open.';

create or replace function finance.holding_breaks()
returns table (break_id bigint, line_id text, seller_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select b.break_id, l.line_id, l.seller_id
    from finance.breaks as b
    inner join finance.payout_lines as l on b.subject = l.line_id
    where b.closed_at is null and (
        (l.returned_at is not null and l.retaken_at is null)
        or (b.kind in ('returned_by_ledger', 'contrary_outcome') and l.state = 'completed')
    )
$$;
comment on function finance.holding_breaks() is
'Open breaks on lines whose money came back, by our books or by the rail''s ledger alone: while one is open, its seller is held.';

create or replace function finance.close_break(p_break_id bigint, p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_line record;
    v_held text;
begin
    if coalesce(p_note, '') = '' then
        raise exception 'break % stays open: the note is empty, say what was found', p_break_id;
    end if;
    perform finance.lock_decisions();
    -- Who corrects a balance for what a line pays takes the money off twice.
    select l.* into v_line from finance.lines_of_lost_payouts() as l
    where l.break_id = p_break_id and l.is_asked is not true;
    if found then
        raise exception 'break % stays open: the line of seller % in % has the payout''s key, run settle reconcile, which asks the rail about it',
            p_break_id, v_line.seller_id, v_line.payout_window;
    end if;
    if exists (
        select from finance.breaks as b
        where b.break_id = p_break_id and b.kind = 'ledger_without_line' and b.closed_at is null
        and not finance.is_told(b.subject) and not finance.is_untold(b.subject)
    ) then
        raise exception 'break % stays open: the rail was not asked about the payout yet, run settle reconcile',
            p_break_id;
    end if;
    select b.seller_id into v_held from finance.holding_breaks() as b where b.break_id = p_break_id;
    -- What holds its seller, or is money that nobody knows for what, might be paid again: that takes two.
    if v_held is not null
        or exists (
            select from finance.breaks as b where b.break_id = p_break_id
            and b.kind in ('ledger_without_line', 'unknown_payout', 'payout_without_line') and b.closed_at is null
        ) then
        insert into finance.break_closings (break_id, note) values (p_break_id, p_note)
        on conflict (break_id, closed_by) do nothing;
        if cardinality(finance.people_in_finance(array(
            select c.closed_by from finance.break_closings as c where c.break_id = p_break_id
        ))) < 2 then
            return false;
        end if;
    end if;
    update finance.breaks
    set closed_at = finance.this_instant(), closed_by = v_person, close_note = p_note
    where break_id = p_break_id and closed_at is null;
    if not found then
        raise exception 'break % is not open: see settle breaks', p_break_id;
    end if;
    perform finance.void_approvals(array[v_held]);
    return true;
end;
$$;
comment on function finance.close_break(bigint, text) is
'Closes a break with what was found; one that holds its seller takes two people, and counts as a release of theirs. True once it is closed.';

create or replace function finance.unposted_alerts(p_limit integer default 100)
returns setof finance.alerts
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.* from finance.alerts as a
    where a.posted_at is null order by a.alert_id limit p_limit
$$;
comment on function finance.unposted_alerts(integer) is
'The alerts that were not posted yet, oldest first.';

create or replace function finance.mark_posted(p_alert_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    update finance.alerts set posted_at = public.settle_now()
    where alert_id = p_alert_id and posted_at is null;
end;
$$;
comment on function finance.mark_posted(bigint) is
'Notes that the receiver has taken an alert.';
