-- Emergency stop: one person in finance pauses all payouts, two must resume them.

create or replace function finance.current_pause() returns finance.pauses
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.* from finance.pauses as p
    where p.pause_id = (select max(l.pause_id) from finance.pauses as l)
    and (select count(*) from finance.resumes as r where r.pause_id = p.pause_id) < 2
$$;
comment on function finance.current_pause() is
'The pause that stops payouts now; a row of nulls where there is none.';

create or replace function finance.pause_payouts(p_note text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    perform finance.require_finance_member();
    insert into finance.pauses (note) values (p_note) returning pause_id into v_id;
    return v_id;
end;
$$;
comment on function finance.pause_payouts(text) is
'From its commit on nothing is frozen and no call is made. A new pause takes two people to resume, also where one had said so to an older one.';

-- It has its number before its commit, and waits for no lock: a later one may have been paused and
-- resumed meanwhile, by people who could not see this one.
create or replace function finance.pause_from_commit() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from finance.pauses as p where p.pause_id > new.pause_id) then
        insert into finance.pauses (note) values (new.note);
    end if;
    return null;
end;
$$;
comment on function finance.pause_from_commit() is
'At the end of its transaction a pause is the latest one, whatever was paused since it began.';

drop trigger if exists pause_from_commit on finance.pauses;
create constraint trigger pause_from_commit after insert on finance.pauses
deferrable initially deferred for each row execute function finance.pause_from_commit();

create or replace function finance.resume_payouts(p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_pause finance.pauses;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    v_pause := finance.current_pause();
    if v_pause.pause_id is null then
        raise exception 'payouts are not paused';
    end if;
    -- With the word of somebody who has left, nobody resumes alone: the pause begins anew.
    if exists (
        select from finance.resumes as r
        where r.pause_id = v_pause.pause_id and not finance.is_in_finance(r.resumed_by)
    ) then
        insert into finance.pauses (note) values (v_pause.note) returning * into v_pause;
    end if;
    insert into finance.resumes (pause_id, note) values (v_pause.pause_id, p_note)
    on conflict (pause_id, resumed_by) do nothing;
    return (finance.current_pause()).pause_id is null;
end;
$$;
comment on function finance.resume_payouts(text) is
'One person''s word that payouts may go on; true when it was the second one.';

create or replace function finance.pause_message() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select finance.copy_message() where finance.copy_message() is not null
    union all
    select format('payouts are paused since %s by %s (%s): two people must resume them, %s so far',
        to_char(p.paused_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC', p.paused_by, p.note,
        cardinality(finance.people_in_finance(array(
            select r.resumed_by from finance.resumes as r where r.pause_id = p.pause_id
        ))))
    from finance.current_pause() as p
    where p.pause_id is not null
    limit 1
$$;
comment on function finance.pause_message() is
'Why nothing is paid at all, as one message: the current pause, or that this is a copy. Null where nothing is in the way.';
