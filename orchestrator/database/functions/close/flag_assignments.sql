-- What a close does about sellers whose review reasons ask for a reserve policy: puts them under it, for
-- orders from now on, and lifts it once the reasons have been gone for long enough.

create or replace function finance.store_flag_assignments(p_window text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_built_at constant timestamptz := (select b.as_of from handover.build as b);
    v_at constant timestamptz := finance.this_instant();
    v_unknown record;
begin
    select h.seller_id, h.policy into v_unknown
    from handover.flag_policies as h
    where h.payout_window = p_window and finance.policy_terms(h.policy, v_at) is null
    order by h.seller_id limit 1;
    if found then
        raise exception 'the build puts seller % under the reserve policy %, which seeds/reserve_policies.csv does not have now: % was not stored; fix seeds/review_actions.csv and build again',
            v_unknown.seller_id, v_unknown.policy, p_window;
    end if;
    insert into finance.flag_assignments (
        payout_window, seller_id, policy, review_reasons, applies_from
    )
    with people as (
        select distinct on (a.seller_id) a.seller_id, a.policy, a.approved_at
        from finance.reserve_assignments as a
        where a.approved_at is not null
        order by a.seller_id, a.approved_at desc
    ),
    flags as (
        select distinct on (f.seller_id) f.seller_id, f.policy, f.applies_from
        from finance.flag_assignments as f
        order by f.seller_id, f.flag_assignment_id desc
    ),
    asked as (
        select h.seller_id, h.policy, h.review_reasons
        from handover.flag_policies as h where h.payout_window = p_window
    ),
    compared as (
        select
            coalesce(a.seller_id, f.seller_id) as seller_id,
            a.policy,
            coalesce(a.review_reasons, '{}') as review_reasons,
            -- What people decided since took its place.
            case
                when f.applies_from > coalesce(p.approved_at, '-infinity') then f.policy
            end as current_policy
        from asked as a
        full join flags as f on a.seller_id = f.seller_id
        left join people as p on coalesce(a.seller_id, f.seller_id) = p.seller_id
        -- A person's policy comes first; what they decided after the build, the build did not know.
        where coalesce(p.policy, 'standard') = 'standard'
        and coalesce(p.approved_at, '-infinity') <= v_built_at
    )
    select p_window, c.seller_id, c.policy, c.review_reasons, v_at
    from compared as c
    where c.policy is distinct from c.current_policy
    order by c.seller_id;
end;
$$;
comment on function finance.store_flag_assignments(text) is
'Puts sellers under the reserve policies that the build handed over for a window, and lifts those that nothing asks for any more.';
