-- Which reserve policy a seller is under: entered by one person, approved by another, one by one or as
-- a file. It applies to orders placed from the approval on.

-- The seed's policies, as the last build handed them over.
create or replace function finance.policy_fault(p_policy text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when not exists (select from handover.build)
            then 'policy: nothing is built yet, so no policy is known; run: settle build'
        when not exists (
            select from handover.reserve_policies as p
            where p.policy = p_policy and p.valid_from <= public.settle_now()
        )
            then format('policy: is unknown; the reserve policies valid now are %s', (
                select string_agg(p.policy, ', ' order by p.policy)
                from handover.reserve_policies as p where p.valid_from <= public.settle_now()
            ))
    end
$$;
comment on function finance.policy_fault(text) is
'Why no seller can be put under this reserve policy; null where one can.';

create or replace function finance.assign_reserve_policy(p_seller text, p_policy text, p_note text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    perform finance.require_finance_member();
    if not finance.is_known_seller(p_seller) then
        raise exception 'seller % is not known: nothing was entered', p_seller;
    elsif finance.policy_fault(p_policy) is not null then
        raise exception '%', finance.policy_fault(p_policy);
    end if;
    insert into finance.reserve_assignments (seller_id, policy, note)
    values (p_seller, p_policy, p_note) returning assignment_id into v_id;
    return v_id;
end;
$$;
comment on function finance.assign_reserve_policy(text, text, text) is
'Proposes to put a seller under a reserve policy; returns its id. It applies once another person has approved it.';

create or replace function finance.assign_reserve_policies(p_rows jsonb, p_note text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_file_id bigint;
begin
    perform finance.require_finance_member();
    perform finance.refuse_rows((
        select jsonb_agg(f) from (
            select s.line, s.fault from finance.seller_faults(p_rows) as s
            union all
            select r.line, p.fault
            from jsonb_to_recordset(p_rows) as r (line bigint, policy text)
            inner join (
                select d.policy, finance.policy_fault(d.policy) as fault
                from (
                    select distinct coalesce(r.policy, '') as policy
                    from jsonb_to_recordset(p_rows) as r (policy text)
                ) as d
            ) as p on coalesce(r.policy, '') = p.policy
        ) as f
    ));
    v_file_id := nextval('finance.file_ids');
    insert into finance.reserve_assignments (seller_id, policy, note, file_id)
    select r.seller_id, r.policy, p_note, v_file_id
    from jsonb_to_recordset(p_rows) as r (line bigint, seller_id text, policy text)
    order by r.line;
    return v_file_id;
end;
$$;
comment on function finance.assign_reserve_policies(jsonb, text) is
'Proposes all rows of a file, an array of {line, seller_id, policy}, or none; returns the id of the file.';

-- Why this person cannot approve it, whatever else is approved with it.
create or replace function finance.assignment_obstacle(
    p_assignment finance.reserve_assignments, p_person text, p_at timestamptz
) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when p_assignment.approved_at is not null
            then format('assignment %s was approved by %s before', p_assignment.assignment_id,
                p_assignment.approved_by)
        when p_assignment.withdrawn_at is not null
            then format('assignment %s was withdrawn by %s: enter it again', p_assignment.assignment_id,
                p_assignment.withdrawn_by)
        when w.obstacle is not null then w.obstacle
        when finance.policy_fault(p_assignment.policy) is not null
            then format('assignment %s of seller %s: %s', p_assignment.assignment_id,
                p_assignment.seller_id, finance.policy_fault(p_assignment.policy))
        -- An order is under one policy: of two at one instant neither came first.
        when exists (
            select from finance.reserve_assignments as a
            where a.seller_id = p_assignment.seller_id and a.approved_at >= p_at
        )
            then format('assignment %s: seller %s is put under another policy at this very instant; approve it again',
                p_assignment.assignment_id, p_assignment.seller_id)
    end
    from finance.second_person_obstacle(
        p_assignment.assigned_by, p_person, format('entered assignment %s', p_assignment.assignment_id),
        'approve it', 'enter it again'
    ) as w (obstacle)
$$;

create or replace function finance.approve_reserve_assignment(p_assignment_id bigint)
returns finance.reserve_assignments
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_assignment finance.reserve_assignments;
    v_obstacle text;
    v_at timestamptz;
begin
    -- From the instant at which the lock is held: nothing closes meanwhile, and none came earlier.
    perform finance.lock_decisions();
    v_at := finance.this_instant();
    select a.* into v_assignment from finance.reserve_assignments as a
    where a.assignment_id = p_assignment_id;
    if v_assignment.assignment_id is null then
        raise exception 'there is no assignment %: see settle reserve list', p_assignment_id;
    end if;
    v_obstacle := finance.assignment_obstacle(v_assignment, v_person, v_at);
    if v_obstacle is not null then
        raise exception '%', v_obstacle;
    end if;
    update finance.reserve_assignments set approved_by = v_person, approved_at = v_at
    where assignment_id = p_assignment_id returning * into v_assignment;
    return v_assignment;
end;
$$;
comment on function finance.approve_reserve_assignment(bigint) is
'Approves a seller''s reserve policy that somebody else entered; returns its row. It applies to orders placed from this instant on. Raises with what is in the way.';

create or replace function finance.approve_reserve_assignments(p_file_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_at timestamptz;
    v_obstacle text;
    v_count bigint;
begin
    perform finance.lock_decisions();
    perform finance.refuse_shortened_file(p_file_id, array(
        select a.withdrawn_by from finance.reserve_assignments as a where a.file_id = p_file_id
    ));
    v_at := finance.this_instant();
    select finance.assignment_obstacle(a, v_person, v_at) into v_obstacle
    from finance.reserve_assignments as a
    where a.file_id = p_file_id and a.approved_at is null and a.withdrawn_at is null
    and finance.assignment_obstacle(a, v_person, v_at) is not null
    order by a.assignment_id limit 1;
    if v_obstacle is not null then
        raise exception '% (file %: nothing of it was approved)', v_obstacle, p_file_id;
    end if;
    update finance.reserve_assignments set approved_by = v_person, approved_at = v_at
    where file_id = p_file_id and approved_at is null and withdrawn_at is null;
    get diagnostics v_count = row_count;
    if v_count = 0 then
        raise exception 'file % has no assignment that waits: see settle reserve list', p_file_id;
    end if;
    return v_count;
end;
$$;
comment on function finance.approve_reserve_assignments(bigint) is
'Approves all that still waits of a file, or nothing; returns how many they are.';

create or replace function finance.withdraw_reserve_assignment(p_assignment_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    perform finance.lock_decisions();
    update finance.reserve_assignments
    set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where assignment_id = p_assignment_id and approved_at is null and withdrawn_at is null;
    if not found then
        raise exception 'assignment % is not open: see settle reserve list', p_assignment_id;
    end if;
end;
$$;
comment on function finance.withdraw_reserve_assignment(bigint) is
'Withdraws an assignment that waits. Raises where none waits under that id.';

create or replace function finance.withdraw_reserve_assignments(p_file_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_count bigint;
begin
    perform finance.lock_decisions();
    update finance.reserve_assignments
    set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where file_id = p_file_id and approved_at is null and withdrawn_at is null;
    get diagnostics v_count = row_count;
    if v_count = 0 then
        raise exception 'file % has no assignment that waits: see settle reserve list', p_file_id;
    end if;
    return v_count;
end;
$$;
comment on function finance.withdraw_reserve_assignments(bigint) is
'Withdraws all that still waits of a file; returns how many they are. Raises where nothing waits.';
