-- What a wallet is beside its spelling: whose account, whether anybody can own it, who had it first.

-- TRON shows one account in base58 or in hex; a person's list may have either.
create function finance.tron_address(p_hex text) returns text
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
declare
    v_payload constant bytea := decode(right(p_hex, 42), 'hex');
    v_bytes constant bytea := v_payload || substr(sha256(sha256(v_payload)), 1, 4);
    v_number numeric := 0;
    v_address text := '';
begin
    for i in 0 .. length(v_bytes) - 1 loop
        v_number := v_number * 256 + get_byte(v_bytes, i);
    end loop;
    while v_number > 0 loop
        v_address := substr(
            '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
            mod(v_number, 58)::integer + 1, 1
        ) || v_address;
        v_number := div(v_number, 58);
    end loop;
    return v_address;
end;
$$;
comment on function finance.tron_address(text) is
'The base58 form of a TRON account given as 42 hex digits, with or without 0x before them.';

create function finance.wallet_account(p_address text) returns text
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select case
        when a.address ~ '^0[xX][0-9a-fA-F]{40}$' then lower(a.address)
        when a.address ~ '^(0[xX])?41[0-9a-fA-F]{40}$' then finance.tron_address(a.address)
        else a.address
    end
    from (select btrim(p_address, E' \t\r\n') collate "C" as address) as a
$$;
comment on function finance.wallet_account(text) is
'The account of an address: one text for all its spellings. EVM in lower case, TRON in base58, any other text as it is.';

alter table finance.wallet_checks
add column account text collate "C" generated always as (finance.wallet_account(wallet_address)) stored,
add column is_payable boolean not null default true,
add column is_checksummed boolean not null default true;
comment on table finance.wallet_checks is
'One row per address ever seen: its account, the network its format belongs to, whether it is well formed, whether a key can own it, and whether its spelling can show a typo. A pure function of the address, so a row never changes.';

-- Checked anew by the next build, which holds them until then: what the check asks has grown.
alter table finance.wallet_checks disable trigger append_only;
delete from finance.wallet_checks
where address_format = 'SPL' or detail like '%has no checksum%' or detail like '%zero address%';
alter table finance.wallet_checks enable trigger append_only;

alter table finance.wallet_sightings
add column account text collate "C" generated always as (finance.wallet_account(wallet_address)) stored;
create index wallet_sightings_account on finance.wallet_sightings (account, sighting_id);

alter table finance.wallet_blocks
add column account text collate "C" generated always as (finance.wallet_account(wallet_address)) stored;
-- A generated column is computed after this trigger has compared; nobody can write it.
create or replace trigger immutable before update on finance.wallet_blocks for each row
execute function finance.allow_columns('account', 'lifted_by', 'lifted_at', 'lift_note');
-- Of two blocks on one account the older stays.
update finance.wallet_blocks as b
set
    lifted_by = 'settle_owner', lifted_at = public.settle_now(),
    lift_note = format('the same account as block %s', (
        select min(k.block_id) from finance.wallet_blocks as k
        where k.account = b.account and k.lifted_at is null
    ))
where b.lifted_at is null and exists (
    select from finance.wallet_blocks as k
    where k.account = b.account and k.lifted_at is null and k.block_id < b.block_id
);
drop index finance.wallet_blocks_one_standing;
create unique index wallet_blocks_one_in_force on finance.wallet_blocks (account)
where lifted_at is null;

alter table finance.hold_reasons add column is_lasting boolean not null default false;
comment on table finance.hold_reasons is
'One row per reason that can hold a payout: its place when several apply (the first is shown), whether it can arise after the close, whether a person may release it, whether a release lasts as long as the seller keeps the wallet, and what the seller reads.';

-- The latest sighting of the seller's wallet when it was released: a later one of another account ends
-- a release that lasts. Null for one from before, which applies to its window alone.
alter table finance.hold_releases add column sighting_id bigint;
create index hold_releases_lasting on finance.hold_releases (seller_id, reason)
where sighting_id is not null;
comment on table finance.hold_releases is
'A person''s release of one hold reason of one seller, for one window; of a lasting reason as long as the seller keeps the wallet.';

-- Well formed, and nobody's wallet: a copy of the seed unpayable_wallets, by account.
create table handover.unpayable_wallets (
    account text collate "C" primary key,
    what text not null
);
