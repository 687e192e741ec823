-- The digest names a run and exactly these lines: seller, amount, rail, its currency and wallet.
create or replace function finance.digest_of(
    p_window text, p_run integer, p_currency text, p_lines finance.seller_position[]
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select encode(sha256(convert_to(
        'v2|' || p_window || '|' || p_run || '|' || p_currency || '|' || count(l.seller_id) || '|'
        || finance.money(coalesce(sum(l.net_minor), 0)) || E'\n' || coalesce(string_agg(
            l.seller_id || '|' || finance.money(l.net_minor) || '|' || l.rail || '|'
            || l.rail_currency || '|' || l.wallet_address || E'\n', '' order by l.seller_id collate "C"
        ), ''), 'UTF8'
    )), 'hex')
    from unnest(p_lines) as l
$$;

create or replace function finance.approval_digest(p_approval finance.approvals) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select finance.digest_of(p_approval.payout_window, p_approval.run, p_approval.currency, array_agg(
        row(l.seller_id, l.net_minor, l.rail, l.rail_currency, l.wallet_address, null)
        ::finance.seller_position
    ))
    from finance.approval_lines as l where l.approval_id = p_approval.approval_id
$$;
comment on function finance.approval_digest(finance.approvals) is
'The digest that the lines of an approval have, whatever it says.';

-- Current approvals of a run, by people who are still in the group, that have every one of these lines
-- with the same amount, rail and wallet. Lines that an approval has beside them became held since.
create or replace function finance.approvals_covering(
    p_window text, p_run integer, p_lines finance.seller_position[]
) returns setof bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select a.approval_id from finance.approvals as a
    where a.payout_window = p_window and a.run = p_run and a.revoked_at is null
    and finance.is_in_finance(a.approved_by)
    and not exists (
        select l.seller_id, l.net_minor, l.rail, l.rail_currency, l.wallet_address
        from unnest(p_lines) as l
        except
        select k.seller_id, k.net_minor, k.rail, k.rail_currency, k.wallet_address
        from finance.approval_lines as k where k.approval_id = a.approval_id
    )
$$;
