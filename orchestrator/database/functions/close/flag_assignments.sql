-- What a close does about sellers whose review reasons ask for a reserve policy: puts them under it, for
-- orders from now on, and lifts it once the reasons have been gone for long enough.

-- The rule alone, for closes and for backtests. A person's policy comes first, and what people decided
-- took the place of what flags asked for before; what they decided after the build, it did not know.
create or replace function finance.is_flag_change(
    p_asked text, p_flag text, p_flag_from timestamptz, p_decided text, p_decided_at timestamptz,
    p_built_at timestamptz
) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_decided, 'standard') = 'standard'
    and coalesce(p_decided_at, '-infinity') <= p_built_at
    and p_asked is distinct from
        case when p_flag_from > coalesce(p_decided_at, '-infinity') then p_flag end
$$;
comment on function finance.is_flag_change(text, text, timestamptz, text, timestamptz, timestamptz) is
'Whether a close changes the reserve policy of a seller: what its flags ask for (null: nothing), what the latest flag put them under, what people decided last, and the instant of the build.';

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
    changed as (
        select
            coalesce(a.seller_id, f.seller_id) as seller_id,
            a.policy,
            coalesce(a.review_reasons, '{}') as review_reasons
        from asked as a
        full join flags as f on a.seller_id = f.seller_id
        left join people as p on coalesce(a.seller_id, f.seller_id) = p.seller_id
        where finance.is_flag_change(
            a.policy, f.policy, f.applies_from, p.policy, p.approved_at, v_built_at
        )
    )
    select p_window, c.seller_id, c.policy, c.review_reasons, v_at
    from changed as c
    order by c.seller_id;
end;
$$;
comment on function finance.store_flag_assignments(text) is
'Puts sellers under the reserve policies that the build handed over for a window, and lifts those that nothing asks for any more.';
