-- Data checks that stop a payout until they pass, or until two people have said why they may not.

create or replace function finance.failed_checks(p_window text)
returns table (check_name text, detail text, accepted_by text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    with failed as (
        select c.check_name, c.detail from handover.window_checks as c
        where c.payout_window = p_window and c.is_blocking and not c.is_passed
        union all
        select 'not_computed', 'no check of this window was computed: run settle build'
        where not exists (
            select from handover.window_checks as c where c.payout_window = p_window
        )
    )
    select
        f.check_name, f.detail,
        finance.people_in_finance(array(
            select a.accepted_by from finance.check_acceptances as a
            where a.payout_window = p_window and a.check_name = f.check_name
            and a.detail = f.detail
        ))
    from failed as f
    order by f.check_name;
end;
$$;
comment on function finance.failed_checks(text) is
'The blocking checks that a window fails as of the last build, with who has accepted which: two people''s acceptance of the same detail lets it pass.';

create or replace function finance.accept_check(p_window text, p_check text, p_note text)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_failed record;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    select f.* into v_failed from finance.failed_checks(p_window) as f where f.check_name = p_check;
    if v_failed is null then
        raise exception 'check % does not fail for window %: nothing to accept', p_check, p_window;
    end if;
    if p_check = 'not_computed' then
        raise exception 'the checks of % were not computed, which nobody can accept: run settle build', p_window;
    end if;
    insert into finance.check_acceptances (payout_window, check_name, detail, note)
    values (p_window, p_check, v_failed.detail, p_note)
    on conflict (payout_window, check_name, detail, accepted_by) do nothing;
    return (
        select cardinality(f.accepted_by) from finance.failed_checks(p_window) as f
        where f.check_name = p_check
    );
end;
$$;
comment on function finance.accept_check(text, text, text) is
'One person''s acceptance of a failed check as it stands; returns how many have accepted it. Two are needed.';

-- A page may be older than the last build, which has found more since.
create or replace function finance.accept_seen_check(
    p_window text, p_check text, p_detail text, p_note text
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_detail text;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    select f.detail into v_detail from finance.failed_checks(p_window) as f
    where f.check_name = p_check;
    if btrim(v_detail) <> btrim(p_detail) then
        raise exception 'check % of % fails otherwise now (%): nothing was accepted, look at it again',
            p_check, p_window, v_detail;
    end if;
    return finance.accept_check(p_window, p_check, p_note);
end;
$$;
comment on function finance.accept_seen_check(text, text, text, text) is
'The same, refused where the check does not say p_detail any more, which is what was looked at; a null one is not compared.';
