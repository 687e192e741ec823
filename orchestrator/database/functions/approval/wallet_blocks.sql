-- Wallets that nothing is paid to. What is blocked is the account, however its address is spelled.

-- Only the form, whether or not anybody names it: a mistyped address would block nobody.
create or replace function finance.wallet_fault(p_wallet text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select case
        when finance.wallet_account(coalesce(p_wallet, '')) = ''
            then 'is empty'
        when finance.wallet_account(p_wallet) ~ '\s'
            then 'has white space in it'
        when finance.wallet_account(p_wallet)
            !~ '^(0x[0-9a-f]{40}|T[1-9A-HJ-NP-Za-km-z]{33}|[1-9A-HJ-NP-Za-km-z]{32,44})$'
            then 'looks like no TRC-20, ERC-20 or SPL address'
    end
$$;
comment on function finance.wallet_fault(text) is
'What is wrong with the form of an address to block; null where nothing is.';

create or replace function finance.block_wallet(p_wallet text, p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_fault constant text := finance.wallet_fault(p_wallet);
begin
    perform finance.require_finance_member();
    if v_fault is not null then
        raise exception 'wallet % was not blocked: it %; give the address as its network spells it',
            p_wallet, v_fault;
    end if;
    perform finance.lock_decisions();
    insert into finance.wallet_blocks (wallet_address, note) values (p_wallet, p_note)
    on conflict (account) where lifted_at is null do nothing;
    return found;
end;
$$;
comment on function finance.block_wallet(text, text) is
'Holds every line to the account of the wallet from now on, however it is spelled. True when blocked now, false when it was before.';

create or replace function finance.block_wallets(p_rows jsonb, p_note text)
returns table (blocked_count bigint, before_count bigint, named_count bigint, report text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_finance_member();
    perform finance.refuse_rows((
        with given as (
            select r.line, r.wallet, finance.wallet_account(r.wallet) as account
            from jsonb_to_recordset(p_rows) as r (line bigint, wallet text)
        ),
        faults as (
            select
                g.line,
                format('wallet: %s; %s', w.fault, case w.fault
                    when 'is empty' then 'every row needs one'
                    when 'has white space in it' then 'give one address a row'
                    else 'leave the row out, or fix it'
                end) as fault
            from given as g
            cross join lateral finance.wallet_fault(g.wallet) as w (fault)
            where w.fault is not null
            union all
            select
                n.line,
                format('wallet: is the same account as on line %s; keep one of the two', n.first_line)
            from (
                select g.line, min(g.line) over (partition by g.account) as first_line
                from given as g where g.account <> ''
            ) as n
            where n.line > n.first_line
        )
        select jsonb_agg(f) from faults as f
    ));
    perform finance.lock_decisions();
    return query
    with given as materialized (
        select
            r.line, btrim(r.wallet, E' \t\r\n') as wallet,
            finance.wallet_account(r.wallet) as account,
            coalesce(nullif(btrim(r.note), ''), p_note) as note
        from jsonb_to_recordset(p_rows) as r (line bigint, wallet text, note text)
    ),
    inserted as (
        insert into finance.wallet_blocks (wallet_address, note)
        select g.wallet, g.note from given as g order by g.line
        on conflict (account) where lifted_at is null do nothing
        returning account
    ),
    sellers as materialized (
        select s.seller_id, finance.wallet_account(s.wallet_address) as account
        from finance.sellers_now() as s where s.wallet_address <> ''
    ),
    found as (
        select
            g.line, g.wallet, i.account is null as was_before,
            (select string_agg(s.seller_id, ', ' order by s.seller_id) from sellers as s
                where s.account = g.account) as sellers
        from given as g
        left join inserted as i on g.account = i.account
    )
    select
        count(*) filter (where not f.was_before), count(*) filter (where f.was_before),
        count(f.sellers),
        string_agg(
            format('line %s: %s %s%s', f.line, f.wallet,
                case when f.was_before then 'was blocked before' else 'is blocked' end,
                coalesce('; it is the wallet of ' || f.sellers, '')),
            E'\n' order by f.line
        ) filter (where f.was_before or f.sellers is not null)
    from found as f;
end;
$$;
comment on function finance.block_wallets(jsonb, text) is
'Blocks all wallets of a file, an array of {line, wallet, note}, or none; a row without a note has p_note. Returns how many are new, how many were blocked before, how many a seller names, and a line for each of the last two.';

create or replace function finance.unblock_wallet(p_wallet text, p_note text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person text := finance.require_finance_member();
    v_block finance.wallet_blocks;
begin
    perform finance.lock_decisions();
    select b.* into v_block from finance.wallet_blocks as b
    where b.account = finance.wallet_account(p_wallet) and b.lifted_at is null for update;
    if v_block.block_id is null then
        raise exception 'wallet % is not blocked: settle blocks, or Blocks in the console, lists those that are',
            p_wallet;
    end if;
    if v_block.blocked_by = v_person then
        raise exception '% blocked wallet %: somebody else must lift it', v_person, p_wallet;
    end if;
    update finance.wallet_blocks
    set lifted_by = v_person, lifted_at = finance.this_instant(), lift_note = p_note
    where block_id = v_block.block_id;
    perform finance.void_approvals(array(
        select l.seller_id from finance.approval_lines as l
        inner join finance.approvals as a on l.approval_id = a.approval_id and a.revoked_at is null
        where a.payout_window = finance.latest_closed_window()
        and finance.wallet_account(l.wallet_address) = v_block.account
    ));
end;
$$;
comment on function finance.unblock_wallet(text, text) is
'Lifts the block that another person put on the account of a wallet; approvals with a line to that account are revoked. Raises where it is not blocked.';
