-- What holds a stored row now.

create or replace function finance.latest_closed_window() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.payout_window from finance.window_closes as c
    where c.window_ends_at <= public.settle_now()
    and finance.window_ends_at(c.window_ends_at, c.settlement_timezone) > public.settle_now()
$$;
comment on function finance.latest_closed_window() is
'The window that closed last, if its close is stored: the only one that can be approved and paid.';

-- Those of the window, and those of earlier ones that last: as long as the seller keeps the wallet.
create or replace function finance.releases_in_force(p_window text, p_seller text)
returns table (seller_id text, reason text, wallet_address text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select x.seller_id, x.reason, x.wallet_address
    from finance.hold_releases as x
    inner join finance.hold_reasons as k on x.reason = k.reason
    where (p_seller is null or x.seller_id = p_seller)
    and (x.payout_window = p_window or (k.is_lasting and x.sighting_id is not null))
    and not (k.is_lasting and exists (
        select from finance.wallet_sightings as w
        where w.seller_id = x.seller_id and w.sighting_id > x.sighting_id
        and w.account <> finance.wallet_account(x.wallet_address)
    ))
$$;
comment on function finance.releases_in_force(text, text) is
'The releases that apply to a window, of one seller, or of all where the seller is null.';

-- The stored rows of a window with what holds them now. A row can gain a hold after the close
-- (suspension, another wallet, a block, a person), and lose one by a person's release; nothing else
-- moves. What the seller asked for (a schedule, a pause, a minimum) counts as it was at the close, like
-- the amount: it is a wish for the weeks to come, no danger, and the approved lines stay as they are.
create or replace function finance.current_holds(p_window text, p_seller text)
returns table (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text[]
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    with releases as materialized (
        select * from finance.releases_in_force(p_window, p_seller)
    ),
    released as (
        select distinct x.seller_id from releases as x
    ),
    -- Money that came back and was paid all the same. Its correction lands in a later window, or
    -- waits for a person: paying this row now would pay it twice.
    conflicts as (
        select l.seller_id from finance.payout_lines as l
        -- Hardly any was: without the first condition a third of all lines is expected.
        where l.retaken_at is not null and l.retaken_at >= (
            select c.window_ends_at from finance.window_closes as c where c.payout_window = p_window
        )
        union
        select b.seller_id from finance.holding_breaks() as b
        union
        -- Or paid in this very window, by an attempt that was called rejected.
        select l.seller_id from finance.payout_lines as l
        inner join finance.payout_batches as b on l.batch_id = b.batch_id
        where l.payout_window = p_window and l.state <> 'rejected' and b.state = 'rejected'
    ),
    -- All or one, in one plan for both: what is not asked for is not run.
    stored as (
        select r.*, coalesce(c.account, finance.wallet_account(r.wallet_address)) as account
        from (
            select w.* from finance.window_close_rows as w
            where w.payout_window = p_window and p_seller is null
            union all
            select w.* from finance.window_close_rows as w
            where w.payout_window = p_window and w.seller_id = p_seller
        ) as r
        left join finance.wallet_checks as c on r.wallet_address = c.wallet_address
    ),
    accounts as (
        select * from finance.sellers_now() where p_seller is null
        union all
        select * from finance.sellers_now(p_seller) where p_seller is not null
    ),
    judged as (
        select
            r.*, s.wallet_now, h.hold_id, x.seller_id is not null as is_released,
            array_remove(array[
                -- Gone, or without a state. A state that is not known here holds, too.
                case when coalesce(a.seller_status, 'closed') = 'closed' then 'seller_closed' end,
                case when a.seller_status not in ('active', 'closed') then 'seller_suspended' end,
                case when not coalesce(a.payouts_enabled, a.seller_id is null) then 'not_verified' end,
                case when u.account is not null then 'wallet_not_payable' end,
                case when k.block_id is not null then 'wallet_blocked' end,
                case when s.wallet_now <> r.wallet_address then 'wallet_changed' end,
                case when f.seller_id is not null then 'outcome_conflict' end,
                case when h.hold_id is not null then 'manual_review' end
            ], null) as live_reasons
        from stored as r
        left join accounts as a on r.seller_id = a.seller_id
        -- Of somebody who is gone the wallet that was seen last.
        cross join lateral (
            select coalesce(a.wallet_address, finance.last_wallet(r.seller_id)) as wallet_now
        ) as s
        left join finance.seller_holds as h on r.seller_id = h.seller_id and h.lifted_at is null
        left join finance.wallet_blocks as k on r.account = k.account and k.lifted_at is null
        -- The list may have grown since the close.
        left join handover.unpayable_wallets as u on r.account = u.account
        left join conflicts as f on r.seller_id = f.seller_id
        left join released as x on r.seller_id = x.seller_id
    )
    select
        j.seller_id, j.net_minor, j.rail, j.rail_currency, j.wallet_address,
        -- Most rows stand as they were stored.
        case when cardinality(j.live_reasons) = 0 and not j.is_released then j.hold_reasons
        else array(
            select distinct_reason.reason from (
                select unnest(j.hold_reasons) as reason
                union
                select unnest(j.live_reasons)
            ) as distinct_reason
            left join finance.hold_reasons as known on distinct_reason.reason = known.reason
            where not exists (
                select from releases as x
                where x.seller_id = j.seller_id and x.reason = distinct_reason.reason
                -- A release lifts the hold there was; one that stands was set after it.
                and not (distinct_reason.reason = 'manual_review' and j.hold_id is not null)
                -- Nor does it cover a wallet that nobody had seen.
                and not (
                    distinct_reason.reason = 'wallet_changed'
                    and x.wallet_address is distinct from j.wallet_now
                )
                -- One that lasts is for the account that was looked at.
                and not (
                    known.is_lasting
                    and finance.wallet_account(x.wallet_address) <> j.account
                )
            )
            order by known.hold_rank
        ) end
    from judged as j;
end;
$$;
comment on function finance.current_holds(text, text) is
'The stored row of one seller in a window with what holds it now; of all sellers where the seller is null.';

create or replace function finance.current_holds(p_window text)
returns table (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text[]
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select * from finance.current_holds(p_window, null)
$$;
comment on function finance.current_holds(text) is
'The stored rows of a window, one per seller, with what holds each now.';
