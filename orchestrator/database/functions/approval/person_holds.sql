-- What a person holds and releases.

create or replace function finance.hold_seller(p_seller text, p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_finance_member();
    if not finance.is_known_seller(p_seller) then
        raise exception 'seller % is not known: nothing is held', p_seller;
    end if;
    perform finance.lock_decisions();
    insert into finance.seller_holds (seller_id, note) values (p_seller, p_note)
    on conflict (seller_id) where lifted_at is null do nothing;
    return found;
end;
$$;
comment on function finance.hold_seller(text, text) is
'Holds a seller until somebody releases them. True when held now, false when they were held before.';

-- A release applies to one window, and only to the one that can be paid.
create or replace function finance.require_latest_window(p_window text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if p_window is distinct from finance.latest_closed_window() then
        raise exception 'window % is not the latest closed and stored one (%): a release applies to one window, and that one has gone',
            p_window, coalesce(finance.latest_closed_window(), 'none');
    end if;
end;
$$;

create or replace function finance.release_hold(p_window text, p_seller text, p_note text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_reason text;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    perform finance.require_latest_window(p_window);
    select h.hold_reasons[1] into v_reason
    from finance.current_holds(p_window) as h where h.seller_id = p_seller;
    if v_reason is null then
        raise exception 'seller % is not held in window %', p_seller, p_window;
    end if;
    if not exists (
        select from finance.hold_reasons as k where k.reason = v_reason and k.is_releasable
    ) then
        raise exception 'seller % is held in window % for %, which a person cannot release: mend the cause',
            p_seller, p_window, v_reason;
    end if;
    perform finance.write_releases(p_window, array[p_seller], p_note, null);
    return v_reason;
end;
$$;
comment on function finance.release_hold(text, text, text) is
'Releases the first reason that holds a seller in the latest closed window; returns it. Another one may be behind it.';
