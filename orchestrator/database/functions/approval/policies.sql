-- Limits on paying: proposed by one person, confirmed by another.

create or replace function finance.policy(p_name text, p_rail text default '') returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.amount_minor from finance.policies as p
    where p.name = p_name and p.rail = p_rail and p.confirmed_at <= public.settle_now()
    order by p.confirmed_at desc, p.policy_id desc limit 1
$$;
comment on function finance.policy(text, text) is
'The limit that holds now, in minor units; null where there is none.';

create or replace function finance.propose_policy(
    p_name text, p_rail text, p_amount_minor bigint, p_note text
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    perform finance.require_finance_member();
    if finance.policy(p_name, p_rail) is null then
        raise exception 'there is no limit % for rail %: see settle policy list', p_name,
            coalesce(nullif(p_rail, ''), 'any');
    end if;
    insert into finance.policies (name, rail, amount_minor, note)
    values (p_name, p_rail, p_amount_minor, p_note) returning policy_id into v_id;
    return v_id;
end;
$$;
comment on function finance.propose_policy(text, text, bigint, text) is
'Proposes another amount, in minor units, for a limit; returns the id of the proposal. It applies once another person has confirmed it.';

create or replace function finance.confirm_policy(p_policy_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_policy finance.policies;
    v_obstacle text;
begin
    perform finance.lock_decisions();
    select p.* into v_policy from finance.policies as p where p.policy_id = p_policy_id;
    if v_policy.policy_id is null then
        raise exception 'there is no proposal %: see settle policy list', p_policy_id;
    elsif v_policy.confirmed_at is not null then
        raise exception 'proposal % was confirmed by % before', p_policy_id, v_policy.confirmed_by;
    elsif v_policy.withdrawn_at is not null then
        raise exception 'proposal % was withdrawn by %: propose it again', p_policy_id,
            v_policy.withdrawn_by;
    end if;
    v_obstacle := finance.second_person_obstacle(
        v_policy.proposed_by, v_person, format('proposed %s', p_policy_id), 'confirm it',
        'propose it again'
    );
    if v_obstacle is not null then
        raise exception '%', v_obstacle;
    end if;
    update finance.policies set confirmed_by = v_person, confirmed_at = public.settle_now()
    where policy_id = p_policy_id;
end;
$$;
comment on function finance.confirm_policy(bigint) is
'Confirms a limit that somebody else proposed: it applies from this instant on. Raises with what is in the way.';

create or replace function finance.withdraw_policy(p_policy_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    perform finance.lock_decisions();
    update finance.policies set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where policy_id = p_policy_id and confirmed_at is null and withdrawn_at is null;
    if not found then
        raise exception 'proposal % is not open: see settle policy list', p_policy_id;
    end if;
end;
$$;
comment on function finance.withdraw_policy(bigint) is
'Withdraws a proposed limit. Raises where none waits under that id.';
