-- Which reserve policy a seller's orders are under from now on: by a close or by people.

create or replace function finance.policy_terms(p_policy text, p_at timestamptz) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.terms from handover.policy_rows as r
    where r.seed = 'reserve_policies' and r.name = p_policy and r.valid_from <= p_at
    order by r.valid_from desc limit 1
$$;
comment on function finance.policy_terms(text, timestamptz) is
'What a reserve policy says of orders placed at an instant: reserve_days, holdback_percent, holdback_days; null for one that was not there then.';

create or replace function finance.policy_sentence(p_terms jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select format('The money of an order is released %s days after it was placed', p_terms ->> 'reserve_days')
        || case
            when (p_terms ->> 'holdback_percent')::numeric > 0 and (p_terms ->> 'holdback_days')::integer > 0
                then format('; %s %% of it is held back for %s days more',
                    trim_scale((p_terms ->> 'holdback_percent')::numeric), p_terms ->> 'holdback_days')
            else ''
        end || '.'
$$;
comment on function finance.policy_sentence(jsonb) is 'The terms of a reserve policy as a seller reads them.';

create or replace function finance.tell_policy(
    p_seller text, p_policy text, p_at timestamptz, p_window text
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select finance.write_event(
        'reserve.policy_changed', p_seller, p_window, null,
        jsonb_build_object(
            'seller_id', p_seller,
            'cause', case
                when p_window is null then 'decision'
                when p_policy is null then 'review_ended'
                else 'review'
            end,
            'policy', p_policy,
            'terms', t.terms,
            'applies_from', to_jsonb(p_at at time zone 'UTC') #>> '{}' || 'Z',
            'message', 'It applies to orders placed from now on. ' || case
                when p_policy is null then 'Our review is over: your usual terms apply again.'
                when p_window is null then coalesce(finance.policy_sentence(t.terms), '')
                else coalesce(finance.policy_sentence(t.terms), '')
                    || ' This ends by itself once our review finds nothing for a while.'
            end
        )
    )
    from (select finance.policy_terms(p_policy, p_at) as terms) as t
$$;
comment on function finance.tell_policy(text, text, timestamptz, text) is
'Tells a seller under which reserve policy their orders are from an instant on (null: the usual terms); the window is that of the close, null where people decided.';

create or replace function finance.tell_flag_assignments() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.tell_policy(n.seller_id, n.policy, n.applies_from, n.payout_window)
    from stored as n
    order by n.seller_id;
    return null;
end;
$$;
create or replace trigger tell_flag_assignments after insert on finance.flag_assignments
referencing new table as stored
for each statement execute function finance.tell_flag_assignments();

create or replace function finance.tell_reserve_assignments() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.tell_policy(n.seller_id, n.policy, n.approved_at, null)
    from approved as n
    inner join before as o on n.assignment_id = o.assignment_id
    where n.approved_at is not null and o.approved_at is null
    order by n.seller_id;
    return null;
end;
$$;
create or replace trigger tell_reserve_assignments after update on finance.reserve_assignments
referencing old table as before new table as approved
for each statement execute function finance.tell_reserve_assignments();
