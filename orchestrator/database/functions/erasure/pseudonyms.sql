-- What stands in the place of an erased name or wallet. The key of a seller is made outside, of one
-- that no database has: without it nobody finds out what a pseudonym stands for, by trying neither.

create or replace function finance.keyed_hash(p_key bytea, p_text text) returns bytea
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
declare
    v_inner bytea := decode(repeat('36', 64), 'hex');
    v_outer bytea := decode(repeat('5c', 64), 'hex');
begin
    for i in 0 .. length(p_key) - 1 loop
        v_inner := set_byte(v_inner, i, get_byte(v_inner, i) # get_byte(p_key, i));
        v_outer := set_byte(v_outer, i, get_byte(v_outer, i) # get_byte(p_key, i));
    end loop;
    return sha256(v_outer || sha256(v_inner || convert_to(p_text, 'UTF8')));
end;
$$;
comment on function finance.keyed_hash(bytea, text) is
'HMAC-SHA256 of a text under a key of at most 64 bytes.';

create or replace function finance.pseudonym(p_key bytea, p_text text) returns text
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select 'erased-' || left(encode(finance.keyed_hash(p_key, p_text), 'hex'), 32)
$$;
comment on function finance.pseudonym(bytea, text) is
'What stands in the place of a text: the same for the same key and text.';

create or replace function finance.pseudonym_of(p_seller text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select e.pseudonym from finance.erasures as e
    where e.seller_id = p_seller and e.withdrawn_at is null and e.pseudonym is not null
$$;
comment on function finance.pseudonym_of(text) is
'What stands in the place of the seller''s name; null for a seller who was not erased.';

-- Each of the texts, in whatever case, by what stands in its place.
create or replace function finance.erase_words(p_text text, p_words text[], p_pseudonyms text[])
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    for i in 1 .. coalesce(cardinality(p_words), 0) loop
        p_text := regexp_replace(
            p_text, regexp_replace(p_words[i], '([^[:alnum:]])', '\\\1', 'g'), p_pseudonyms[i], 'gi'
        );
    end loop;
    return p_text;
end;
$$;

-- What the rail tells of a payout to a seller who was erased since: nothing that was erased comes in.
create or replace function finance.without_erased(p_payout jsonb, p_line finance.payout_lines)
returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case
        when p_line.wallet_address ~ '^erased-' then p_payout || jsonb_build_object(
            'destination', p_line.wallet_address, 'tx_hash', p_line.tx_hash
        )
        else p_payout
    end
$$;
comment on function finance.without_erased(jsonb, finance.payout_lines) is
'The payout with what its line has in the place of an erased wallet and transaction.';
