-- What an erasure changes, table by table. Called by finance.approve_erasure alone: in any other
-- transaction the guards refuse each of these updates.

create or replace function finance.erase_seller(p_erasure finance.erasures, p_key bytea) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_seller constant text := p_erasure.seller_id;
    v_name text;
    v_wallets text[];
    v_words text[];
    v_batches bigint[];
    v_approvals bigint[];
begin
    execute format('select max(s.display_name) from %s as s where s.seller_id = $1', finance.sellers_source())
    into v_name using v_seller;
    v_wallets := finance.wallets_of(v_seller);
    select array_agg(distinct l.batch_id) into v_batches
    from finance.payout_lines as l where l.seller_id = v_seller;
    select array_agg(distinct l.approval_id) into v_approvals
    from finance.approval_lines as l where l.seller_id = v_seller;
    -- In running text only what can be nothing else: an address, a transaction.
    select array_agg(w.word order by length(w.word) desc, w.word) into v_words
    from (
        select unnest(v_wallets) as word
        union
        select l.tx_hash from finance.payout_lines as l where l.seller_id = v_seller
    ) as w
    where length(w.word) >= 20 and w.word !~ '\s';
    perform finance.seal_digests(p_erasure, p_key, v_approvals, v_batches);
    perform finance.erase_wallets(v_seller, p_key, v_wallets);
    perform finance.erase_texts(v_seller, p_key, v_words, v_name, v_batches);
    perform finance.erase_rail_texts(v_seller, p_key, v_batches);
    -- The lines as they are now give these digests.
    update finance.approvals as a set digest = finance.digest_after_erasure(
        p_erasure, 'finance.approvals', a.approval_id, finance.approval_digest(a)
    )
    where a.approval_id = any(v_approvals);
    update finance.payout_batches as b set digest = finance.digest_after_erasure(
        p_erasure, 'finance.payout_batches', b.batch_id, finance.batch_digest(b)
    )
    where b.batch_id = any(v_batches);
    if (select c.relkind from pg_class as c where c.oid = finance.sellers_source()) = 'r' then
        execute format(
            'update %s set display_name = $2, wallet_address = '''',
                updated_at = greatest(updated_at, public.settle_now()) where seller_id = $1',
            finance.sellers_source()
        ) using v_seller, p_erasure.pseudonym;
    end if;
end;
$$;

create or replace function finance.wallets_of(p_seller text) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(array_agg(distinct w.wallet_address), '{}') from (
        select s.wallet_address from finance.wallet_sightings as s where s.seller_id = p_seller
        union all
        select n.wallet_address from finance.sellers_now(p_seller) as n
        union all
        select r.wallet_address from finance.window_close_rows as r where r.seller_id = p_seller
        union all
        select h.wallet_address from handover.close_rows as h where h.seller_id = p_seller
        union all
        select a.wallet_address from finance.approval_lines as a where a.seller_id = p_seller
        union all
        select x.wallet_address from finance.hold_releases as x where x.seller_id = p_seller
    ) as w
    where w.wallet_address <> ''
$$;
comment on function finance.wallets_of(text) is
'Every address that the seller has here, as it is spelled.';

create or replace function finance.batch_digest(p_batch finance.payout_batches) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select finance.digest_of(p_batch.payout_window, p_batch.run, p_batch.currency, array_agg(
        row(l.seller_id, l.amount_minor, l.rail, l.rail_currency, l.wallet_address, null)
        ::finance.seller_position
    ))
    from finance.payout_lines as l where l.batch_id = p_batch.batch_id
$$;
comment on function finance.batch_digest(finance.payout_batches) is
'The digest that the lines of a batch have, whatever it says.';

-- Each digest and hash of a text with a wallet in it would tell who tries wallets that they found the
-- right one. A keyed hash of it stays.
create or replace function finance.seal_digests(
    p_erasure finance.erasures, p_key bytea, p_approvals bigint[], p_batches bigint[]
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into finance.erasure_seals (erasure_id, relation, column_name, row_key, seal)
    select
        p_erasure.erasure_id, d.relation, d.column_name,
        d.row_key || jsonb_build_object('is_of_lines', d.is_of_lines), finance.keyed_hash(p_key, d.digest)
    from (
        select
            'finance.approvals' as relation, 'digest' as column_name,
            jsonb_build_object('id', a.approval_id) as row_key, a.digest,
            a.digest = finance.approval_digest(a) as is_of_lines
        from finance.approvals as a where a.approval_id = any(p_approvals)
        union all
        select
            'finance.payout_batches', 'digest', jsonb_build_object('id', b.batch_id), b.digest,
            b.digest = finance.batch_digest(b)
        from finance.payout_batches as b where b.batch_id = any(p_batches)
        union all
        select
            'finance.payout_calls', 'body_sha256',
            jsonb_build_object('batch_id', c.batch_id, 'sequence', c.sequence), c.body_sha256,
            c.body_sha256 = encode(sha256(convert_to(c.body, 'UTF8')), 'hex')
        from finance.payout_calls as c where c.batch_id = any(p_batches)
    ) as d
$$;
comment on function finance.seal_digests(finance.erasures, bytea, bigint[], bigint[]) is
'Keeps a keyed hash of each digest and hash that the erasure replaces, and whether it was that of its lines or its text.';

-- One that its lines did not give (a version before made it, or somebody) is not made good: its keyed
-- hash takes its place.
create or replace function finance.digest_after_erasure(
    p_erasure finance.erasures, p_relation text, p_id bigint, p_digest text
) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when (s.row_key ->> 'is_of_lines')::boolean then p_digest else encode(s.seal, 'hex') end
    from finance.erasure_seals as s
    where s.erasure_id = p_erasure.erasure_id and s.relation = p_relation
    and s.row_key ->> 'id' = p_id::text
$$;

create or replace function finance.erase_wallets(p_seller text, p_key bytea, p_wallets text[])
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    update finance.window_close_rows set wallet_address = finance.pseudonym(p_key, wallet_address)
    where seller_id = p_seller and wallet_address <> '';
    update handover.close_rows set wallet_address = finance.pseudonym(p_key, wallet_address)
    where seller_id = p_seller and wallet_address <> '';
    update finance.wallet_sightings set wallet_address = finance.pseudonym(p_key, wallet_address)
    where seller_id = p_seller;
    update finance.approval_lines set wallet_address = finance.pseudonym(p_key, wallet_address)
    where seller_id = p_seller;
    update finance.payout_lines
    set
        wallet_address = finance.pseudonym(p_key, wallet_address),
        tx_hash = finance.pseudonym(p_key, tx_hash)
    where seller_id = p_seller;
    update finance.hold_releases set wallet_address = finance.pseudonym(p_key, wallet_address)
    where seller_id = p_seller and wallet_address <> '';
    -- Nothing is ever paid to a pseudonym. What another seller named, or what is blocked, is theirs, or everybody's, to keep.
    insert into finance.wallet_checks (
        wallet_address, address_format, is_valid, detail, checked_at, is_payable, is_checksummed
    )
    select
        finance.pseudonym(p_key, c.wallet_address), c.address_format, false, '', c.checked_at,
        c.is_payable, c.is_checksummed
    from finance.wallet_checks as c
    where c.wallet_address = any(p_wallets) and finance.is_somebody_elses(c.account)
    on conflict do nothing;
    update finance.wallet_checks
    set
        wallet_address = finance.pseudonym(p_key, wallet_address), is_valid = false,
        detail = case when detail = '' then '' else finance.pseudonym(p_key, wallet_address) end
    where wallet_address = any(p_wallets) and not finance.is_somebody_elses(account);
    update finance.wallet_blocks set wallet_address = finance.pseudonym(p_key, wallet_address)
    where wallet_address = any(p_wallets) and lifted_at is not null;
end;
$$;

create or replace function finance.is_somebody_elses(p_account text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (select from finance.wallet_sightings as s where s.account = p_account)
    or exists (
        select from finance.wallet_blocks as b where b.account = p_account and b.lifted_at is null
    )
$$;
comment on function finance.is_somebody_elses(text) is
'Whether the account is still here after a seller''s own sightings of it are erased: another seller named it, or it is blocked.';

-- In texts of people and of the rail: the addresses and transactions everywhere, the name where the row
-- is the seller's.
create or replace function finance.erase_texts(
    p_seller text, p_key bytea, p_words text[], p_name text, p_batches bigint[]
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_column record;
    v_pattern constant text := (
        select string_agg(regexp_replace(w.word, '([^[:alnum:]])', '\\\1', 'g'), '|')
        from unnest(p_words) as w (word)
    );
    v_pseudonyms constant text[] := array(
        select finance.pseudonym(p_key, w.word)
        from unnest(p_words) with ordinality as w (word, place) order by w.place
    );
begin
    for v_column in
        select
            c.relation, c.column_name, c.content = 'json' as is_json,
            exists (
                select from pg_attribute as a
                where a.attrelid = c.relation and a.attname = 'seller_id' and not a.attisdropped
            ) as is_of_sellers,
            -- Large, and each row is of a batch.
            c.relation = 'finance.call_attempts'::regclass as is_of_batches
        from finance.erasable_columns as c
        where c.content in ('text', 'json') and c.column_name <> 'tx_hash'
        and c.relation not in ('halfin.webhook_events'::regclass, 'finance.payout_calls'::regclass)
        order by c.relation, c.column_name
    loop
        execute format(
            'update %1$s as t set %2$I = finance.erase_words(t.%2$I::text, $1, $2)%3$s
            where t.%2$I::text ~* $3 %4$s',
            v_column.relation, v_column.column_name, case when v_column.is_json then '::jsonb' else '' end,
            case when v_column.is_of_batches then 'and t.batch_id = any($4)' else '' end
        ) using p_words, v_pseudonyms, v_pattern, p_batches;
        if v_column.is_of_sellers and length(p_name) > 2 then
            execute format(
                'update %1$s as t set %2$I = finance.erase_words(t.%2$I::text, $1, $2)%3$s
                where t.seller_id = $3 and strpos(lower(t.%2$I::text), lower($1[1])) > 0',
                v_column.relation, v_column.column_name, case when v_column.is_json then '::jsonb' else '' end
            ) using array[p_name], array[finance.pseudonym(p_key, 'name')], p_seller;
        end if;
    end loop;
    -- Of a call the seller's own payout alone: another seller may have the same wallet. The bytes of
    -- all others stay as they were sent.
    update finance.payout_calls as c
    set body = e.body, body_sha256 = encode(sha256(convert_to(e.body, 'UTF8')), 'hex')
    from (
        select
            k.batch_id, k.sequence,
            replace(k.body, p.payout::text, finance.erase_words(p.payout::text, p_words, v_pseudonyms)) as body
        from finance.payout_lines as l
        inner join finance.payout_calls as k on l.batch_id = k.batch_id and strpos(k.body, l.line_id) > 0
        cross join lateral json_array_elements(
            coalesce(k.body::json -> 'payouts', json_build_array(k.body::json))
        ) as p (payout)
        where l.seller_id = p_seller and p.payout #>> '{metadata,line_id}' = l.line_id
    ) as e
    where c.batch_id = e.batch_id and c.sequence = e.sequence and c.body <> e.body;
end;
$$;

-- A webhook is of one payout, so its text goes, as old ones do. Hashes of texts that went become keyed.
create or replace function finance.erase_rail_texts(p_seller text, p_key bytea, p_batches bigint[])
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    update halfin.webhook_events as w
    set
        body = null, payload = null, pruned_at = coalesce(w.pruned_at, public.settle_now()),
        body_sha256 = finance.keyed_hash(p_key, encode(w.body_sha256, 'hex'))
    where w.payout_id in (
        select l.payout_id from finance.payout_lines as l where l.seller_id = p_seller
    );
    update finance.call_attempts as a
    set response_sha256 = finance.keyed_hash(p_key, encode(a.response_sha256, 'hex'))
    where a.batch_id = any(p_batches) and a.response_sha256 is not null;
    update finance.events as e
    set data_sha256 = finance.keyed_hash(p_key, encode(e.data_sha256, 'hex'))
    where e.seller_id = p_seller and e.data_sha256 is not null;
end;
$$;
