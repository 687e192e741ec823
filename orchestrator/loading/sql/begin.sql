-- What a load works with.
create temporary table load_problems (
    file_number integer not null,
    line_number bigint not null,
    -- 0: the row as a whole.
    column_number integer not null,
    column_name text,
    problem text not null
) on commit drop;

-- Foreign text, short and safe to print on one line.
create or replace function pg_temp.load_shown(value text) returns text
language sql immutable as $$
    select
        ''''
        || regexp_replace(
            left(value, 40),
            '[[:cntrl:]\u0080-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]',
            '?',
            'g'
        )
        || case when length(value) > 40 then '...' else '' end
        || ''''
$$;

-- Where a row stands. Rows of several files are numbered through (pipeline.LINES_PER_FILE).
create or replace function pg_temp.load_line(row_number bigint) returns text
language sql immutable as $$
    select
        (row_number % 10000000000)::text
        || case
            when row_number >= 10000000000 then ' of file ' || row_number / 10000000000 + 1
            else ''
        end
$$;

-- Each fault: what is wrong with the value; what to do. The first case passes
-- nearly all values with one cheap test. Refused is what cannot be read. What can
-- be read and is wrong (an amount below 0, a currency or a seller that nobody
-- knows) is stored, without effect, and shown among the data exceptions.

create or replace function pg_temp.load_name_fault(value text) returns text
language sql immutable as $$
    select case
        when value ~ '^[!-~]+$' and octet_length(value) <= 255
            then null
        when btrim(value) = ''
            then 'is blank; every row needs one'
        when value ~ '[[:cntrl:]]'
            then 'has a line break or control character; remove it'
        -- Nobody sees why such a name is another one: byte order marks, joiners, turned writing.
        when value ~ '[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]'
            then 'has an invisible character; remove it'
        when value <> btrim(value)
            then 'has a space at its start or end; remove it'
        when length(value) > 255
            then 'is longer than 255 characters; shorten it'
    end
$$;

create or replace function pg_temp.load_amount_fault(value text) returns text
language sql immutable as $$
    select case
        when value ~ '^-?[0-9]{1,12}([.][0-9]{1,18})?$'
            then null
        when value !~ '^-?[0-9]+([.][0-9]+)?$'
            then 'is not an amount; write it like 1234.50'
        when value ~ '[.][0-9]{19}'
            then 'has more than 18 decimals; round it or fix the export'
        else 'is out of range; the largest amount is 999999999999.99'
    end
$$;

-- PostgreSQL 15 has no pg_input_is_valid.
create or replace function pg_temp.load_is_instant(value text) returns boolean
language plpgsql stable as $$
begin
    perform value::timestamptz;
    return true;
exception when datetime_field_overflow or invalid_datetime_format
    or invalid_time_zone_displacement_value then
    return false;
end;
$$;

create or replace function pg_temp.load_instant_fault(value text) returns text
language sql stable as $$
    select case
        when value ~ (
            '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?'
            '([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$'
        )
            then
                case
                    when not pg_temp.load_is_instant(value)
                        then 'is not on the calendar or the clock; fix it'
                    when
                        value::timestamptz < '2000-01-01 00:00+00'
                        or value::timestamptz >= '2100-01-01 00:00+00'
                        then 'is out of range; instants lie from 2000 to 2099'
                end
        when value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$'
            then 'has no offset; write it like 2026-11-22T09:30:00Z'
        when value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]+[.][0-9]{7,}[Zz+-]'
            then 'has more than six decimals of a second; cut them off'
        else 'is not an instant; write it like 2026-11-22T09:30:00Z'
    end
$$;

create or replace function pg_temp.load_flag_fault(value text) returns text
language sql immutable as $$
    select case
        when lower(value) not in (
            'true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', '1', '0'
        )
            then 'is neither true nor false; write one of the two'
    end
$$;

-- The columns in which two rows differ. A recorded_at that was not given agrees
-- with any; a landed_xid only stored rows have.
create or replace function pg_temp.load_differences(one jsonb, other jsonb)
returns text
language sql immutable as $$
    select string_agg(mine.key, ', ' order by mine.key)
    from jsonb_each(one) as mine
    inner join jsonb_each(other) as theirs using (key)
    where
        mine.key <> 'line_number'
        and mine.value <> theirs.value
        and (mine.key <> 'recorded_at' or 'null' not in (mine.value, theirs.value))
$$;
