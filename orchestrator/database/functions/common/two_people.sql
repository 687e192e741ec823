-- Where a decision takes two people: whose word counts. Every such decision asks here.

create or replace function finance.is_in_finance(p_person text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from pg_roles as r
        where r.rolname = p_person and pg_has_role(r.oid, 'settle_finance', 'member')
    )
$$;
comment on function finance.is_in_finance(text) is
'Whether the person is in the finance group now: the word of somebody who has left counts no more.';

create or replace function finance.people_in_finance(p_people text[]) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select array(
        select distinct p.person from unnest(p_people) as p (person)
        where finance.is_in_finance(p.person) order by p.person
    )
$$;
comment on function finance.people_in_finance(text[]) is
'Those of these people whose word counts, each once, by name.';

create or replace function finance.second_person_obstacle(
    p_first text, p_second text, p_did text, p_must text, p_again text
) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case
        when p_first = p_second then format('%s %s: somebody else must %s', p_first, p_did, p_must)
        when not finance.is_in_finance(p_first)
            then format('%s %s and has left finance since: withdraw it and %s', p_first, p_did, p_again)
    end
$$;
comment on function finance.second_person_obstacle(text, text, text, text, text) is
'Why the second person cannot agree to what the first one did (entered adjustment 7): they are the same, or the first has left. Null where they can.';
