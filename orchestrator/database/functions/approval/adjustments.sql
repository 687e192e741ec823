-- Adjustments: goodwill, fees without an order, corrections. Entered by one, approved by another.

create or replace function finance.enter_adjustment(
    p_seller text, p_amount_minor bigint, p_reason text
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    perform finance.require_finance_member();
    if not exists (select from finance.sellers_now() as a where a.seller_id = p_seller) then
        raise exception 'seller % is not known: nothing was entered', p_seller;
    end if;
    insert into finance.adjustments (seller_id, amount_minor, reason)
    values (p_seller, p_amount_minor, p_reason) returning adjustment_id into v_id;
    return v_id;
end;
$$;
comment on function finance.enter_adjustment(text, bigint, text) is
'Proposes a signed amount in minor units for a seller; returns its id. It counts once another person has approved it.';

create or replace function finance.approve_adjustment(p_adjustment_id bigint)
returns finance.adjustments
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_adjustment finance.adjustments;
    v_limit bigint := finance.policy('maximum_line');
begin
    -- No close is stored meanwhile: an approval never falls into a window that is.
    perform finance.lock_decisions();
    select a.* into v_adjustment from finance.adjustments as a
    where a.adjustment_id = p_adjustment_id;
    if v_adjustment.adjustment_id is null then
        raise exception 'there is no adjustment %: see settle adjust list', p_adjustment_id;
    elsif v_adjustment.approved_at is not null then
        raise exception 'adjustment % was approved by % before', p_adjustment_id,
            v_adjustment.approved_by;
    elsif v_adjustment.withdrawn_at is not null then
        raise exception 'adjustment % was withdrawn by %: enter it again', p_adjustment_id,
            v_adjustment.withdrawn_by;
    elsif v_adjustment.entered_by = v_person then
        raise exception '% entered adjustment %: somebody else must approve it', v_person,
            p_adjustment_id;
    elsif abs(v_adjustment.amount_minor) > v_limit then
        raise exception 'adjustment % of % is above the limit of one line (%): raise the limit first',
            p_adjustment_id, finance.money(v_adjustment.amount_minor), finance.money(v_limit);
    elsif exists (
        select from finance.window_closes as c where c.window_ends_at > public.settle_now()
    ) then
        raise exception 'a window was closed while adjustment % waited: approve it again',
            p_adjustment_id;
    end if;
    update finance.adjustments set approved_by = v_person, approved_at = public.settle_now()
    where adjustment_id = p_adjustment_id returning * into v_adjustment;
    return v_adjustment;
end;
$$;

create or replace function finance.withdraw_adjustment(p_adjustment_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
begin
    update finance.adjustments set withdrawn_by = v_person, withdrawn_at = public.settle_now()
    where adjustment_id = p_adjustment_id and approved_at is null and withdrawn_at is null;
    if not found then
        raise exception 'adjustment % is not open: see settle adjust list', p_adjustment_id;
    end if;
end;
$$;
