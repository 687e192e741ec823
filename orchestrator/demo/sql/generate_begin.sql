-- The arguments of a generated marketplace, and its chance: hashes of the seed.
-- Whole seconds and hours throughout, so that no time zone setting matters.
select finance.hold_lock('load');

-- Millions of rows are sorted and indexed here, by one session, once.
set local work_mem = '256MB';
set local maintenance_work_mem = '512MB';

create temporary table generate_arguments on commit drop as
select
    {sellers}::bigint as seller_count,
    {sellers}::bigint * {weeks} * {orders_per_seller_week} as order_count,
    {weeks}::bigint * 7 * 24 * 3600 as span_seconds,
    {bad_actors}::numeric as bad_actors,
    {until}::timestamptz as until,
    {until}::timestamptz - {weeks} * interval '168 hours' as starts_at;

-- Each function is as volatile as its body and no less, or Postgres would call it row by row
-- instead of planning its body in.

-- 32 bytes of chance for the thing of this kind and number.
create or replace function pg_temp.generate_hash(kind text, number bigint)
returns bytea
language sql immutable as $$
    select sha256(({seed} || '/' || kind || '/' || number::text)::bytea)
$$;

-- From 0 up to below the bound; a hash holds eight draws, at places 0 to 7.
create or replace function pg_temp.generate_draw(
    hash bytea, place integer, bound bigint
)
returns bigint
language sql immutable as $$
    select (
        (
            (get_byte(hash, place * 4)::bigint << 24)
            + (get_byte(hash, place * 4 + 1) << 16)
            + (get_byte(hash, place * 4 + 2) << 8)
            + get_byte(hash, place * 4 + 3)
        ) * bound
    ) >> 32
$$;

create or replace function pg_temp.generate_later(
    instant timestamptz, seconds bigint
)
returns timestamptz
language sql stable as $$
    select instant + seconds * interval '1 second'
$$;

-- Rows arrive some seconds after the fact; one in a hundred 1 to 48 hours late.
create or replace function pg_temp.generate_recorded_at(
    occurred_at timestamptz, chance bigint
)
returns timestamptz
language sql stable as $$
    select occurred_at + interval '1 second' * case
        when chance % 100 = 0 then 3600 + chance * 7919 % 169200
        else 1 + chance % 5
    end
$$;
