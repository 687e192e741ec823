-- A seller's name and wallets are erased: proposed by one person, approved by another, done with the
-- approval.

create or replace function finance.propose_erasure(p_seller text, p_note text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_other finance.erasures;
    v_obstacle text;
    v_id bigint;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    select e.* into v_other from finance.erasures as e
    where e.seller_id = p_seller and e.withdrawn_at is null;
    if v_other.approved_at is not null then
        raise exception 'seller % was erased on %, as % and % agreed', p_seller,
            to_char(v_other.approved_at at time zone 'UTC', 'YYYY-MM-DD'), v_other.proposed_by,
            v_other.approved_by;
    elsif v_other.erasure_id is not null then
        raise exception 'the erasure of seller %, which % proposed, waits: approve or withdraw it',
            p_seller, v_other.proposed_by;
    elsif not finance.is_known_seller(p_seller) then
        raise exception 'seller % is not known: nothing was proposed', p_seller;
    end if;
    v_obstacle := finance.erasure_obstacle(p_seller);
    if v_obstacle is not null then
        raise exception 'seller % cannot be erased yet: %', p_seller, v_obstacle;
    end if;
    insert into finance.erasures (seller_id, note) values (p_seller, p_note)
    returning erasure_id into v_id;
    return v_id;
end;
$$;
comment on function finance.propose_erasure(text, text) is
'Proposes to erase a seller''s name and wallets; returns its id. Refuses with what is in the way.';

create or replace function finance.approve_erasure(p_seller text, p_key text)
returns finance.erasures
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_erasure finance.erasures;
    v_obstacle text;
    v_parts constant text[] := regexp_match(p_key, '^([0-9a-f]{8}):([0-9a-f]{64})$');
    v_key constant bytea := decode(v_parts[2], 'hex');
    v_earlier finance.erasures;
begin
    -- Nothing is closed, approved or frozen meanwhile.
    perform finance.lock_decisions();
    select e.* into v_erasure from finance.erasures as e
    where e.seller_id = p_seller and e.approved_at is null and e.withdrawn_at is null;
    if v_erasure.erasure_id is null then
        raise exception 'nobody has proposed to erase seller %: see settle erase list', p_seller;
    end if;
    v_obstacle := finance.second_person_obstacle(
        v_erasure.proposed_by, v_person, format('proposed to erase %s', p_seller), 'approve it',
        'propose it again'
    );
    if v_obstacle is not null then
        raise exception '%', v_obstacle;
    end if;
    v_obstacle := finance.erasure_obstacle(p_seller);
    if v_obstacle is not null then
        raise exception 'seller % cannot be erased yet: %', p_seller, v_obstacle;
    elsif v_key is null then
        raise exception 'the erasure key is missing: approve with settle erase approve, or in the console';
    end if;
    select e.* into v_earlier from finance.erasures as e
    where e.key_id <> v_parts[1] order by e.erasure_id limit 1;
    if v_earlier.erasure_id is not null then
        raise exception 'SETTLE_ERASURE_KEY is another key than that of earlier erasures (%, not %): set the one of %',
            v_parts[1], v_earlier.key_id, to_char(v_earlier.approved_at at time zone 'UTC', 'YYYY-MM-DD');
    end if;
    update finance.erasures
    set
        approved_by = v_person, approved_at = public.settle_now(), key_id = v_parts[1],
        pseudonym = finance.pseudonym(v_key, 'name'),
        erased_in = (pg_current_xact_id()::text)::bigint
    where erasure_id = v_erasure.erasure_id
    returning * into v_erasure;
    perform finance.erase_seller(v_erasure, v_key);
    return v_erasure;
end;
$$;
comment on function finance.approve_erasure(text, text) is
'Erases the name and the wallets of a seller whom somebody else proposed, in this transaction. p_key is the seller''s key, as the command line and the console make it. It cannot be taken back.';

create or replace function finance.withdraw_erasure(p_seller text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    perform finance.lock_decisions();
    update finance.erasures set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where seller_id = p_seller and approved_at is null and withdrawn_at is null;
    if not found then
        raise exception 'nobody has proposed to erase seller %: see settle erase list', p_seller;
    end if;
end;
$$;
comment on function finance.withdraw_erasure(text) is
'Withdraws a proposal to erase a seller. Raises where none waits.';

-- What is erased does not come in again: a name or a wallet that the marketplace's table is given.
create or replace function marketplace.keep_erased() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_pseudonym constant text := finance.pseudonym_of(new.seller_id);
begin
    if v_pseudonym is not null then
        if new.display_name not in ('', v_pseudonym) or new.wallet_address <> '' then
            perform finance.alert_named_again(new.seller_id);
        end if;
        new.display_name := v_pseudonym;
        new.wallet_address := '';
    end if;
    return new;
end;
$$;
create or replace trigger keep_erased before insert or update on marketplace.sellers
for each row execute function marketplace.keep_erased();

create or replace function finance.alert_named_again(p_seller text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select finance.raise_alert_once('erased_seller', p_seller, format(
        'the marketplace names seller %s again, who was erased: name and wallet were left out; erase them where they came from',
        p_seller))
$$;
comment on function finance.alert_named_again(text) is
'Tells once that the marketplace still has the name or the wallet of a seller who was erased.';
