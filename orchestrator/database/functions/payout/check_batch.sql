-- What a batch must be before it is one: approved, stored, payable and explained, to the cent.

create or replace function finance.check_batch(p_batch finance.payout_batches) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_wrong text;
begin
    -- Each check takes the least of all sellers that are wrong. A search that may end at the first is
    -- planned for few lines, and there is mostly none to find.
    -- What was frozen is what was approved and what was stored, counted once more.
    if not exists (
        select from finance.batch_approvals as a where a.batch_id = p_batch.batch_id
    ) or p_batch.digest is distinct from (
        select finance.digest_of(p_batch.payout_window, p_batch.run, p_batch.currency, array_agg(
            row(l.seller_id, l.amount_minor, l.rail, l.rail_currency, l.wallet_address, null)
            ::finance.seller_position
        ))
        from finance.payout_lines as l
        inner join finance.window_close_rows as r
            on l.payout_window = r.payout_window and l.seller_id = r.seller_id
            and l.amount_minor = r.net_minor and l.rail = r.rail
            and l.rail_currency = r.rail_currency and l.wallet_address = r.wallet_address
        where l.batch_id = p_batch.batch_id
    ) then
        raise exception 'the lines of % changed while it was frozen: nothing was frozen, run it again',
            p_batch.payout_window;
    end if;
    -- The wallet is one of its rail, somebody can own it, a person has confirmed a spelling that shows
    -- no typo, and nobody has blocked it.
    select min(l.seller_id) into v_wrong from finance.payout_lines as l
    left join finance.wallet_checks as w on l.wallet_address = w.wallet_address
    where l.batch_id = p_batch.batch_id and (
        (w.is_valid and w.is_payable and w.address_format = l.rail) is not true
        or exists (select from handover.unpayable_wallets as u where u.account = w.account)
        or exists (
            select from finance.wallet_blocks as k
            where k.account = w.account and k.lifted_at is null
        )
        or (not w.is_checksummed and not exists (
            select from finance.releases_in_force(l.payout_window, l.seller_id) as x
            where x.reason = 'wallet_unchecksummed'
            and finance.wallet_account(x.wallet_address) = w.account
        ))
    );
    if v_wrong is not null then
        raise exception 'the wallet of seller % in % is not a checked wallet of its rail: nothing was frozen, hold the seller or build again',
            v_wrong, p_batch.payout_window;
    end if;
    -- And the one that the marketplace itself names, or named last, or a person has released the change.
    select min(l.seller_id) into v_wrong from finance.payout_lines as l
    left join finance.sellers_now() as s on l.seller_id = s.seller_id
    cross join lateral (
        select coalesce(s.wallet_address, finance.last_wallet(l.seller_id)) as wallet_now
    ) as n
    where l.batch_id = p_batch.batch_id
    and (l.wallet_address is distinct from n.wallet_now or s.seller_id is null)
    and not exists (
        select from finance.hold_releases as x
        where x.payout_window = l.payout_window and x.seller_id = l.seller_id
        and x.wallet_address = n.wallet_now and x.reason = case
            when l.wallet_address is distinct from n.wallet_now then 'wallet_changed'
            else 'seller_closed'
        end
    );
    if v_wrong is not null then
        raise exception 'the marketplace names another wallet for seller % than % pays: nothing was frozen; run it again, and where it stays have the models looked at',
            v_wrong, p_batch.payout_window;
    end if;
    -- No window of a seller stands in two lines (an index says so), and the windows sum to the line.
    select min(l.seller_id) into v_wrong from finance.payout_lines as l
    where l.batch_id = p_batch.batch_id and l.amount_minor is distinct from (
        select sum(w.entries_minor + w.retaken_minor) from finance.line_windows as w
        where w.line_id = l.line_id
    );
    if v_wrong is not null then
        raise exception 'the line of seller % in % is not the sum of its receipt: nothing was frozen; hold the seller, pay the others and have the difference looked at',
            v_wrong, p_batch.payout_window;
    end if;
    -- And the entries of those windows are what their rows say. They may be on other nodes, which get
    -- the windows and sum there.
    with windows as (
        select distinct x.seller_id, x.payout_window, x.entries_minor
        from finance.line_windows as x
        inner join finance.payout_lines as l on x.line_id = l.line_id
        where l.batch_id = p_batch.batch_id
    ),
    sums as (
        select e.seller_id, e.payout_window, sum(e.amount_minor) as entries_minor
        from windows as w
        inner join finance.window_close_entries as e
            on w.seller_id = e.seller_id and w.payout_window = e.payout_window
        group by e.seller_id, e.payout_window
    )
    select min(w.seller_id) into v_wrong
    from windows as w
    left join sums as s on w.seller_id = s.seller_id and w.payout_window = s.payout_window
    where w.entries_minor <> coalesce(s.entries_minor, 0);
    if v_wrong is not null then
        raise exception 'the stored entries of seller % do not sum to the stored rows that % pays: nothing was frozen, call the owner of the database',
            v_wrong, p_batch.payout_window;
    end if;
end;
$$;
comment on function finance.check_batch(finance.payout_batches) is
'Raises unless lines = approved = stored rows = entries, each wallet is valid on its rail, and each receipt sums to its line.';
