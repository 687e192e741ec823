-- Sellers as the marketplace's own table has them. What decides where money goes is read here, by the
-- owner, and never through a model.

-- Only from a relation of the owner's: somebody else's view, rule or policy would run with the
-- owner's rights.
create or replace function finance.sellers_source() returns regclass
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_relation record;
begin
    select c.oid::regclass as name, c.relkind, pg_get_userbyid(c.relowner) as owner into v_relation
    from finance.installation as i
    inner join pg_namespace as n on n.nspname = i.sellers_schema
    inner join pg_class as c on c.relnamespace = n.oid and c.relname = i.sellers_table;
    if v_relation is null then
        raise exception 'the table of sellers does not exist: check marketplace_schema and sellers_table in dbt_project.yml, then run settle db start';
    end if;
    if v_relation.owner <> 'settle_owner' or v_relation.relkind not in ('r', 'p', 'v', 'm') then
        raise exception 'sellers are read from %, which belongs to %: wallets are only taken from a table or view of settle_owner',
            v_relation.name, v_relation.owner;
    end if;
    return v_relation.name;
end;
$$;

-- A view of the team's own may have whatever a seller typed. No address is that long, a rail takes 256
-- characters, and an index no page of text: one seller would stop everybody's build.
-- Plain, so that Postgres puts it into the query that calls it: a page of the console calls it for each
-- seller, and pinned it took a third of the page. Each name in it says its schema instead.
create or replace function finance.named_wallet(p_wallet text) returns text
language sql immutable parallel safe as $$
    select case
        when pg_catalog.length(pg_catalog.btrim(p_wallet)) operator(pg_catalog.<=) 256
            then pg_catalog.btrim(p_wallet)
        else pg_catalog.left(pg_catalog.btrim(p_wallet), 32) operator(pg_catalog.||) '...'
    end
$$;
comment on function finance.named_wallet(text) is
'The wallet that a seller''s row names, without blanks around it; of what is longer than 256 characters the beginning, which is no address.';

-- In a view of the team's own a seller may stand twice. Equal rows count as one; rows that differ are
-- not believed, which holds that seller and nobody else.
create or replace function finance.sellers_relation() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when c.relkind in ('r', 'p') then c.oid::regclass::text
        else format(
            '(select
                d.seller_id::text collate "C" as seller_id,
                case when count(distinct coalesce(d.status::text, '''')) = 1 then min(d.status::text)
                    else ''several'' end as status,
                bool_and(coalesce(d.payouts_enabled, false)) as payouts_enabled,
                case when count(distinct coalesce(d.wallet_address::text, '''')) = 1
                    then min(d.wallet_address::text) end as wallet_address
            from %s as d group by d.seller_id::text collate "C")', c.oid::regclass
        )
    end
    from pg_class as c where c.oid = finance.sellers_source()
$$;
comment on function finance.sellers_relation() is
'The marketplace''s own table of sellers as what a query reads from: one row per seller, also where it is a view that has several.';

create or replace function finance.sellers_now(p_seller text default null)
returns table (seller_id text, seller_status text, payouts_enabled boolean, wallet_address text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 4000 as $$
begin
    return query execute format(
        'select s.seller_id::text collate "C", s.status::text, s.payouts_enabled,
            case when e.seller_id is null then finance.named_wallet(coalesce(s.wallet_address, '''')) else '''' end
        from %s as s
        left join finance.erasures as e on e.seller_id = s.seller_id and e.approved_at is not null
        where $1 is null or s.seller_id = $1', finance.sellers_relation()
    ) using p_seller;
end;
$$;
comment on function finance.sellers_now(text) is
'One row per seller (or the one that is named) as the marketplace''s own table has it now; one who was erased names no wallet. Of several rows that differ the status is several, and the wallet empty.';

-- Gone from that table is not forgotten: what is still owed to a seller is decided about.
create or replace function finance.is_known_seller(p_seller text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from finance.sellers_now(p_seller))
    or exists (select from finance.wallet_sightings as w where w.seller_id = p_seller)
    or exists (select from finance.window_close_rows as r where r.seller_id = p_seller)
$$;
comment on function finance.is_known_seller(text) is
'Whether the marketplace''s own table has the seller, or had them: they named a wallet, or a stored close has them.';

-- What a seller who is gone from that table counts with. Never used where the table still has them.
create or replace function finance.last_wallet(p_seller text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((
        select w.wallet_address from finance.wallet_sightings as w
        where w.seller_id = p_seller order by w.sighting_id desc limit 1
    ), '')
$$;
comment on function finance.last_wallet(text) is
'The wallet that a seller was last seen to name; empty where none ever was.';

-- Wallets named since the last look: with a table of ours a trigger has seen each change, with a
-- mapped view this is the only look.
create or replace function finance.sight_wallets() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count bigint;
    -- A view of the team's own need not say how old its sellers are.
    v_ages constant text := coalesce((
        select format('select o.seller_id::text as seller_id, min(o.created_at::timestamptz) as created_at
            from %s as o group by 1', a.attrelid::regclass)
        from pg_attribute as a
        where a.attrelid = finance.sellers_source() and a.attname = 'created_at' and not a.attisdropped
    ), 'values (null::text, null::timestamptz)');
begin
    execute format(
        'insert into finance.wallet_sightings (seller_id, wallet_address)
        select s.seller_id, s.wallet_address from finance.sellers_now() as s
        left join (%s) as ages (seller_id, created_at) on s.seller_id = ages.seller_id
        left join lateral (
            select w.wallet_address from finance.wallet_sightings as w
            where w.seller_id = s.seller_id order by w.sighting_id desc limit 1
        ) as latest on true
        where s.wallet_address <> '''' and s.wallet_address is distinct from latest.wallet_address
        -- Of those who are seen in one look the older seller was first, as for the trigger.
        order by ages.created_at, s.seller_id', v_ages);
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;
comment on function finance.sight_wallets() is
'Keeps the wallets that sellers have named since the last look; returns how many are new.';

create or replace function marketplace.sight_wallets() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into finance.wallet_sightings (seller_id, wallet_address)
    select s.seller_id, finance.named_wallet(s.wallet_address) from changed as s
    left join lateral (
        select w.wallet_address from finance.wallet_sightings as w
        where w.seller_id = s.seller_id order by w.sighting_id desc limit 1
    ) as latest on true
    where finance.named_wallet(s.wallet_address) <> ''
    and finance.named_wallet(s.wallet_address) is distinct from latest.wallet_address
    -- Of those who are named in one statement the older seller was first.
    order by s.created_at, s.seller_id collate "C";
    return null;
end;
$$;
create or replace trigger sight_inserted after insert on marketplace.sellers
referencing new table as changed for each statement execute function marketplace.sight_wallets();
create or replace trigger sight_updated after update on marketplace.sellers
referencing new table as changed for each statement execute function marketplace.sight_wallets();
