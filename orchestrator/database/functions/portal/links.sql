-- Who may see a seller's pages: whoever has a signed link that is not revoked.

create or replace function finance.revoke_links(p_seller text, p_note text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_finance_member();
    if not exists (select from finance.sellers_now(p_seller)) then
        raise exception 'seller % is not known: no link was revoked', p_seller;
    end if;
    insert into finance.link_revocations (seller_id, note) values (p_seller, p_note);
end;
$$;
comment on function finance.revoke_links(text, text) is
'Revokes every link to a seller''s pages that was issued until now; those made later are good.';

create or replace function portal.enter(p_seller text, p_issued_at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_is_good boolean := not exists (
        select from finance.link_revocations as r
        where r.seller_id = p_seller and r.revoked_at >= p_issued_at
    );
begin
    perform set_config('portal.seller', case when v_is_good then p_seller else '' end, true);
    return v_is_good;
end;
$$;
comment on function portal.enter(text, timestamptz) is
'Makes this transaction about the seller of a signed link; false, and about nobody, where the link was issued before somebody revoked that seller''s links.';
