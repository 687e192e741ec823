-- What an import works with, beside what every load has.
create temporary table import_row_types (
    -- A * stands for anything; of several that fit the longest counts.
    row_type text not null,
    pattern text not null generated always as (
        replace(replace(row_type, '_', '\_'), '*', '%')
    ) stored,
    kind text,
    reason text
) on commit drop;

create temporary table import_sellers (
    seller_key text collate "C" not null,
    -- Empty: whose rows are not for sellers.
    seller_id text collate "C" not null,
    reason text
) on commit drop;

create temporary table import_currencies (
    currency text primary key,
    decimals integer not null
) on commit drop;

-- What a row is made of, each part with what it moves.
create temporary table import_parts (
    row_number bigint not null,
    row_type text not null,
    -- What it becomes: order, refund, refund_reversal, dispute_opened, dispute_won, fee (the
    -- processor's), tax, charge; null: not for sellers.
    kind text,
    part_id text collate "C" not null,
    fact_id text collate "C",
    order_id text collate "C",
    related_id text collate "C",
    seller_key text collate "C",
    seller_id text collate "C",
    currency text,
    -- What it adds to the processor's balance, in the report's currency.
    amount numeric not null,
    -- The same in the order's currency, and that currency's rate; null where they are one.
    fact_currency text,
    fact_amount numeric,
    exchange_rate numeric,
    happened_at timestamptz,
    detail text,
    reason text,
    -- The caller's file says that the row belongs to no seller.
    is_nobodys boolean not null default false,
    is_repeated boolean not null default false
) on commit drop;

-- What a report says its rows come to, and what they do.
create temporary table import_totals (
    file_number bigint,
    what text not null,
    expected numeric not null,
    found numeric not null
) on commit drop;

-- An amount that is not written as `settle load` takes it, in that form; behind a !, what is wrong.
create or replace function pg_temp.import_other_amount(value text, decimal_mark text) returns text
language sql immutable as $$
    with
    plain as (
        select case decimal_mark
            when ',' then
                case
                    when bare ~ '^[+-]?[0-9]{1,3}([. ''][0-9]{3})+(,[0-9]+)?$'
                        or bare ~ '^[+-]?[0-9]+(,[0-9]+)?$'
                        then ltrim(replace(translate(bare, '. ''', ''), ',', '.'), '+')
                end
            else
                case
                    when bare ~ '^[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?$'
                        or bare ~ '^[+-]?[0-9]+([.][0-9]+)?$'
                        then ltrim(replace(bare, ',', ''), '+')
                end
        end as amount
        from (select replace(value, u&'\00a0', ' ') as bare) as spaced
    )

    select case
        when value is null or value = '' then value
        when amount is null and decimal_mark = '.' and value ~ ',[0-9]{1,2}$'
            then '!is not an amount; say --decimal-mark , if commas are decimal marks here'
        when amount is null and decimal_mark = ',' and value ~ '[.][0-9]{1,2}$'
            then '!is not an amount; say --decimal-mark . if points are decimal marks here'
        when amount is null then '!' || coalesce(pg_temp.load_amount_fault(value), 'is not an amount')
        else coalesce('!' || pg_temp.load_amount_fault(amount), amount)
    end
    from plain
$$;

-- Nearly all are as they should be: one cheap test passes them.
create or replace function pg_temp.import_amount(value text, decimal_mark text) returns text
language sql immutable as $$
    select case
        when decimal_mark = '.' and value ~ '^-?[0-9]{1,12}([.][0-9]{1,18})?$' then value
        else pg_temp.import_other_amount(value, decimal_mark)
    end
$$;

-- A known zone or the abbreviation of one, or an offset.
create or replace function pg_temp.import_zoned(local_time timestamp, zone text)
returns timestamptz
language plpgsql stable as $$
begin
    return local_time at time zone zone;
exception when invalid_parameter_value then
    return null;
end;
$$;

-- Any instant, as `settle load` takes it; behind a !, what is wrong.
create or replace function pg_temp.import_other_instant(value text, zone text, date_order text)
returns text
language plpgsql stable as $$
declare
    v_year_first constant text[] := regexp_match(
        value,
        '^([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})[T ]'
        '([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?)'
        '\s*(Z|[A-Z]{3,4}|[+-][0-9]{2}(?::?[0-9]{2})?)?$'
    );
    v_year_last constant text[] := regexp_match(
        value,
        '^([0-9]{1,2})([./])([0-9]{1,2})\2([0-9]{4})[T ]'
        '([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)\s*(Z|[A-Z]{3,4})?$'
    );
    -- Points say that the day is first; slashes say nothing.
    v_is_month_first constant boolean := v_year_last[2] = '/' and date_order = 'mdy';
    v_parts constant text[] := coalesce(
        v_year_first,
        array[
            v_year_last[4],
            v_year_last[case when v_is_month_first then 1 else 3 end],
            v_year_last[case when v_is_month_first then 3 else 1 end],
            v_year_last[5],
            v_year_last[6]
        ]
    );
    v_local timestamp;
    v_at timestamptz;
begin
    if value is null or value = '' then
        return value;
    elsif v_parts[1] is null then
        return '!' || coalesce(
            pg_temp.load_instant_fault(value), 'is not an instant; write it like 2026-11-22 09:30:00'
        );
    elsif v_year_last[2] = '/' and date_order is null then
        return '!may have the day first or the month; say --date-order dmy or mdy';
    end if;
    v_local := (v_parts[1] || '-' || v_parts[2] || '-' || v_parts[3] || ' ' || v_parts[4])::timestamp;
    if v_parts[5] is null and coalesce(zone, '') = '' then
        return '!has no time zone; say --timezone, Europe/Berlin for instance';
    elsif v_parts[5] ~ '^[+-]' then
        v_at := (v_local::text || v_parts[5])::timestamptz;
    else
        v_at := pg_temp.import_zoned(v_local, coalesce(replace(v_parts[5], 'Z', 'UTC'), zone));
        if v_at is null then
            return '!has an unknown time zone, ' || coalesce(v_parts[5], zone)
            || '; say --timezone, Europe/Berlin for instance';
        elsif v_at at time zone coalesce(replace(v_parts[5], 'Z', 'UTC'), zone) <> v_local then
            return '!did not happen in ' || zone || ', whose clock skipped it; is it another zone?';
        end if;
    end if;
    if v_at < '2000-01-01 00:00+00' or v_at >= '2100-01-01 00:00+00' then
        return '!is out of range; instants lie from 2000 to 2099';
    end if;
    return to_char(v_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
exception when datetime_field_overflow or invalid_datetime_format
    or invalid_time_zone_displacement_value then
    return '!is not on the calendar or the clock; fix it';
end;
$$;

-- Cheaply, where it is UTC or has its offset, and is of a day that every month has.
create or replace function pg_temp.import_instant(value text, zone text, date_order text)
returns text
language sql stable as $$
    select case
        when
            zone = 'UTC'
            and value ~ (
                '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]'
                '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$'
            )
            then value || 'Z'
        when
            value ~ (
                '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]'
                '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] ?[+-](0[0-9]|1[0-3]):?[0-5][0-9]$'
            )
            then replace(left(value, 11), ' ', 'T') || replace(substr(value, 12), ' ', '')
        else pg_temp.import_other_instant(value, zone, date_order)
    end
$$;

-- Of the currency's minor units, whole ones.
create or replace function pg_temp.import_major(amount numeric, of_currency text) returns numeric
language sql stable as $$
    select round(amount / (10::numeric ^ currencies.decimals), currencies.decimals)
    from pg_temp.import_currencies as currencies
    where currencies.currency = upper(of_currency)
$$;
