-- What keeps append-only tables so, and the one thing that passes: an erasure, in its own transaction.

-- True in the transaction of an erasure alone, where nothing but those columns changes, each to a text
-- with a pseudonym in it, to a hash, or to nothing.
create or replace function finance.is_erasure(p_relation oid, p_old jsonb, p_new jsonb) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from finance.erasures as e
        where e.erased_in = (pg_current_xact_id()::text)::bigint and not exists (
            select from jsonb_each_text(p_new) as n
            inner join jsonb_each_text(p_old) as o on n.key = o.key
            left join finance.erasable_columns as c
                on c.relation::oid = p_relation and n.key = c.column_name
            where n.value is distinct from o.value and case
                when c.content is null then false
                -- Other sellers' rows may have the wallet in a note.
                when c.content <> 'text' and p_old ->> 'seller_id' <> e.seller_id then false
                when c.content = 'mark' then n.value is distinct from 'true'
                when c.content = 'hash' then n.value ~ '^(\\x)?[0-9a-f]{64}$'
                else n.value is null or n.value ~ 'erased-[0-9a-f]{32}'
            end is not true
        )
    )
$$;

create or replace function finance.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_level = 'ROW' and tg_op = 'UPDATE'
        and finance.is_erasure(tg_relid, to_jsonb(old), to_jsonb(new)) then
        return new;
    end if;
    raise exception '%.% is append-only: % refused; record a new row instead',
        tg_table_schema, tg_table_name, lower(tg_op);
end;
$$;

create or replace function finance.allow_columns() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if (to_jsonb(new) - tg_argv) is distinct from (to_jsonb(old) - tg_argv)
        and not finance.is_erasure(tg_relid, to_jsonb(old), to_jsonb(new)) then
        raise exception '%.% is immutable but for %', tg_table_schema, tg_table_name,
            array_to_string(tg_argv, ', ');
    end if;
    return new;
end;
$$;

create or replace function finance.only_prune() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_old jsonb := to_jsonb(old);
    v_new jsonb := to_jsonb(new);
    v_emptied text[] := string_to_array(tg_argv[1], ',');
    v_kept text[] := string_to_array(tg_argv[2], ',');
begin
    if (
        v_new - v_emptied - v_kept - 'pruned_at' is distinct from v_old - v_emptied - v_kept - 'pruned_at'
        or v_old ->> 'pruned_at' is not null or v_new ->> 'pruned_at' is null
        or exists (select from unnest(v_emptied) as e (name) where v_new ->> e.name is not null)
        or exists (
            select from unnest(v_kept) as k (name)
            where v_old ->> k.name is not null and v_new ->> k.name is distinct from v_old ->> k.name
        )
        or (v_old ->> tg_argv[0])::timestamptz > public.settle_now() - interval '6 months'
    ) and not finance.is_erasure(tg_relid, v_old, v_new) then
        raise exception '%.% is append-only: update refused; record a new row instead',
            tg_table_schema, tg_table_name;
    end if;
    return new;
end;
$$;
