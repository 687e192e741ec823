-- Breaks and alerts: what differs from the rail, and what needs a person.

create or replace function finance.raise_alert(p_kind text, p_subject text, p_message text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into finance.alerts (kind, subject, message) values (p_kind, p_subject, p_message)
$$;

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

create or replace function finance.close_break(p_break_id bigint, p_note text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    if coalesce(p_note, '') = '' then
        raise exception 'break % stays open: the note is empty, say what was found', p_break_id;
    end if;
    update finance.breaks
    set closed_at = public.settle_now(), closed_by = v_person, close_note = p_note
    where break_id = p_break_id and closed_at is null;
    if not found then
        raise exception 'break % is not open: see settle breaks', p_break_id;
    end if;
end;
$$;

create or replace function finance.unposted_alerts(p_limit integer default 100)
returns setof finance.alerts
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.* from finance.alerts as a
    where a.posted_at is null order by a.alert_id limit p_limit
$$;

create or replace function finance.mark_posted(p_alert_id bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update finance.alerts set posted_at = public.settle_now()
    where alert_id = p_alert_id and posted_at is null
$$;
