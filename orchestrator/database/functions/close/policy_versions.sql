-- A policy never reaches back: what a stored close used stays as it was, and a further row of the same
-- name begins after the latest close.

create or replace function finance.refuse_changed_policies() returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_latest finance.window_closes;
    v_row record;
begin
    select c.* into v_latest from finance.window_closes as c order by c.window_starts_at desc limit 1;
    select v.seed, v.name, v.valid_from, v.payout_window into v_row
    from finance.policy_versions as v
    left join handover.policy_rows as r
        on v.seed = r.seed and v.name = r.name and v.valid_from = r.valid_from
    where r.terms is distinct from v.terms
    order by v.seed, v.name, v.valid_from limit 1;
    if found then
        raise exception 'the row % of % in seeds/%.csv is not as the close of % used it: put it back, and add a row with a later valid_from',
            v_row.name, v_row.valid_from, v_row.seed, v_row.payout_window;
    end if;
    select r.seed, r.name, r.valid_from into v_row
    from handover.policy_rows as r
    where r.valid_from <= v_latest.closed_at
    and exists (
        select from finance.policy_versions as v where v.seed = r.seed and v.name = r.name
    )
    and not exists (
        select from finance.policy_versions as v
        where v.seed = r.seed and v.name = r.name and v.valid_from = r.valid_from
    )
    order by r.seed, r.name, r.valid_from limit 1;
    if found then
        raise exception 'the row % of % in seeds/%.csv would reach back: % was closed at % without it; give it a later valid_from',
            v_row.name, v_row.valid_from, v_row.seed, v_latest.payout_window,
            v_latest.closed_at;
    end if;
end;
$$;
comment on function finance.refuse_changed_policies() is
'Raises where a row of the policies that the last build handed over was changed or removed since a close used it, or begins before the latest close and that did not know it.';

create or replace function finance.keep_policy_versions(p_window text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into finance.policy_versions
    select r.seed, r.name, r.valid_from, r.terms, p_window
    from handover.policy_rows as r
    where r.valid_from <= (
        select c.closed_at from finance.window_closes as c where c.payout_window = p_window
    )
    on conflict do nothing
$$;
comment on function finance.keep_policy_versions(text) is
'Keeps what of the policies was in force when the window was closed.';
