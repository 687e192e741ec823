-- What holds a stored row now.

create or replace function finance.hold_rank(p_reason text) returns integer
language sql immutable as $$
    select array_position(array[
        'nothing_due', 'negative_balance', 'seller_suspended', 'seller_closed', 'not_verified',
        'no_rail', 'wallet_missing', 'wallet_unchecked', 'wallet_invalid', 'wallet_blocked',
        'wallet_shared', 'wallet_changed', 'outcome_conflict', 'repeated_failure',
        'manual_review', 'above_maximum', 'below_minimum'
    ], p_reason)
$$;

create or replace function finance.latest_closed_window() returns text
language sql stable security definer set search_path = '' as $$
    select c.payout_window from finance.window_closes as c
    where c.window_ends_at <= public.settle_now()
    and finance.window_ends_at(c.window_ends_at, c.settlement_timezone) > public.settle_now()
$$;
comment on function finance.latest_closed_window() is
'The window that closed last, if its close is stored: the only one that can be approved and paid.';

-- The stored rows of a window with what holds them now. A row can gain a hold after the close
-- (suspension, another wallet, a block, a person), and lose one by a person's release; nothing else
-- moves.
create or replace function finance.holds_of(p_window text, p_seller text)
returns table (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text[]
)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select
        r.seller_id, r.net_minor, r.rail, r.rail_currency, r.wallet_address,
        array(
            select distinct_reason.reason from (
                select unnest(r.hold_reasons) as reason
                union
                select unnest(array[
                    case when a.seller_id is null then 'seller_closed' end,
                    case when a.seller_status = 'suspended' then 'seller_suspended' end,
                    case when a.seller_status = 'closed' then 'seller_closed' end,
                    case when not a.payouts_enabled then 'not_verified' end,
                    case when k.block_id is not null then 'wallet_blocked' end,
                    case when a.wallet_address <> r.wallet_address then 'wallet_changed' end,
                    -- Money that came back and was paid all the same. Its correction lands in a
                    -- later window, or waits for a person: paying this row now would pay it twice.
                    case when exists (
                        select from finance.payout_lines as l
                        where l.seller_id = r.seller_id and l.retaken_at >= c.window_ends_at
                    ) or exists (
                        select from finance.payout_lines as l
                        inner join finance.breaks as b on l.line_id = b.subject and b.closed_at is null
                        where l.seller_id = r.seller_id and l.state = 'rejected'
                    ) then 'outcome_conflict' end,
                    case when h.hold_id is not null then 'manual_review' end
                ])
            ) as distinct_reason
            where distinct_reason.reason is not null
            and not exists (
                select from finance.hold_releases as x
                where x.payout_window = r.payout_window and x.seller_id = r.seller_id
                and x.reason = distinct_reason.reason
                -- A release lifts the hold there was; one that stands was set after it.
                and not (distinct_reason.reason = 'manual_review' and h.hold_id is not null)
                -- Nor does it cover a wallet that nobody had seen.
                and not (
                    distinct_reason.reason = 'wallet_changed'
                    and x.wallet_address is distinct from a.wallet_address
                )
            )
            order by finance.hold_rank(distinct_reason.reason)
        )
    from finance.window_close_rows as r
    inner join finance.window_closes as c on r.payout_window = c.payout_window
    left join reading.accounts() as a on r.seller_id = a.seller_id
    left join finance.seller_holds as h on r.seller_id = h.seller_id and h.lifted_at is null
    left join finance.wallet_blocks as k
        on r.wallet_address = k.wallet_address and k.lifted_at is null
    where r.payout_window = p_window and (p_seller is null or r.seller_id = p_seller);
end;
$$;
comment on function finance.holds_of(text, text) is
'The stored row of one seller in a window with what holds it now; of all sellers where the seller is null.';

create or replace function finance.current_holds(p_window text)
returns table (
    seller_id text, net_minor bigint, rail text, rail_currency text, wallet_address text,
    hold_reasons text[]
)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select * from finance.holds_of(p_window, null);
end;
$$;
