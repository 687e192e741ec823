-- Parsing the rail's responses, whatever they contain. What its public documentation does not fix (the
-- batch's response, the ledger's rows) is assumed here and in orchestrator/halfin/assumptions.py only.

create or replace function finance.rail_environment() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case when i.environment = 'production' then 'live' else 'test' end
    from finance.installation as i
$$;

-- PostgreSQL 15 has no pg_input_is_valid. Null where the text is not a number, or not a document.
-- NaN and Infinity are not taken: a sum with one of them would be one, too.
create or replace function finance.try_numeric(p_text text) returns numeric
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    v_number numeric;
begin
    v_number := p_text::numeric;
    return case when v_number > '-Infinity' and v_number < 'Infinity' then v_number end;
exception when data_exception then
    return null;
end;
$$;

-- Nothing happens at infinity.
create or replace function finance.try_instant(p_text text) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_instant timestamptz;
begin
    v_instant := p_text::timestamptz;
    return case when isfinite(v_instant) then v_instant end;
exception when data_exception then
    return null;
end;
$$;

create or replace function finance.fee(p_text text) returns numeric
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when n.fee >= 0 and n.fee < 1000000000 then n.fee end
    from finance.try_numeric(p_text) as n (fee)
$$;
comment on function finance.fee(text) is
'What the rail says it charged for one payout; null where that is not an amount.';

create or replace function finance.try_jsonb(p_text text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return p_text::jsonb;
-- The latter: what is nested deeper than the stack, or too large for it.
exception when data_exception or program_limit_exceeded then
    return null;
end;
$$;

-- What a document lists is worth reading where one text in it is not: a page of a ledger is not without
-- rows because somebody's note has a character that jsonb cannot keep, or half of one.
create or replace function finance.readable_json(p_bytes bytea) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    v_text constant text := finance.sanitize_response(p_bytes);
begin
    return coalesce(
        finance.try_jsonb(v_text),
        finance.try_jsonb(regexp_replace(
            v_text, '(?<!\\)((?:\\\\)*)\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\1\ufffd', 'g'
        ))
    );
end;
$$;
comment on function finance.readable_json(bytea) is
'A response of the rail as jsonb, with characters that jsonb cannot keep replaced; null where it is no document.';

-- Text without what Postgres cannot keep and without our key.
create or replace function finance.sanitize_response(p_bytes bytea) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    v_text text;
begin
    begin
        v_text := convert_from(p_bytes, 'UTF8');
    exception when data_exception then
        v_text := encode(p_bytes, 'escape');
    end;
    return regexp_replace(v_text, 'sk_(test|live)_[0-9A-Za-z]*', '[key]', 'g');
end;
$$;

create or replace function finance.truncate_message(p_text text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select btrim(left(regexp_replace(left(p_text, 1000), '\s+', ' ', 'g'), 200))
$$;
comment on function finance.truncate_message(text) is 'The rail''s message, whitespace collapsed, at most 200 characters.';

create or replace function finance.payouts_of(p_response jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    -- A batch lists its payouts; a single payout is its own list. Nothing where one has no id, or one
    -- that no index takes: such a response is not certain, and nobody could keep what it says.
    select case
        when jsonb_typeof(d.payouts) = 'array' and not exists (
            select from jsonb_array_elements(d.payouts) as p (payout)
            where coalesce(length(p.payout ->> 'id'), 0) not between 1 and 255
        ) and length(p_response #>> '{data,id}') between 1 and 255 then d.payouts
        else '[]'::jsonb
    end
    from (
        select case
            when p_response #> '{data,payouts}' is null and p_response #> '{data,id}' is not null
                then jsonb_build_array(p_response -> 'data')
            else p_response #> '{data,payouts}'
        end as payouts
    ) as d
$$;

-- Its documentation names pending_approval, processing, completed and failed. Other words for a payout
-- that moved nothing, or came back, are what rails commonly say.
create or replace function finance.class_of_status(p_status text) returns text
language sql immutable parallel safe as $$
    select case
        when p_status in ('pending_approval', 'processing') then 'open'
        when p_status = 'completed' then 'completed'
        when p_status in ('failed', 'cancelled', 'expired', 'rejected', 'returned', 'reversed')
            then 'failed'
        else 'unknown'
    end
$$;
comment on function finance.class_of_status(text) is
'What a payout''s status at the rail amounts to: open, completed, failed, or unknown, which moves nothing.';

-- By sign, whatever its rows are called: of what left for a payout the largest move is the payment, and
-- so is what has the same name; smaller ones of other names are fees. What came in came back.
create or replace function finance.ledger_kind(
    p_entry_type text, p_amount numeric, p_type_of_largest text
) returns text
language sql immutable parallel safe as $$
    select case
        when p_entry_type ~* 'fee' then 'fee'
        when p_amount > 0 then 'back'
        when p_entry_type = p_type_of_largest then 'paid'
        else 'fee'
    end
$$;
comment on function finance.ledger_kind(text, numeric, text) is
'What a row of the rail''s ledger is to its payout: paid, fee, or back. Takes the name of the payout''s largest move out, fees last.';

create or replace function finance.rows_of(p_page bytea) returns setof jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select r.entry
    from jsonb_array_elements(
        case jsonb_typeof(finance.readable_json(p_page) -> 'data')
            when 'array' then finance.readable_json(p_page) -> 'data'
            else '[]'::jsonb
        end
    ) as r (entry)
    where jsonb_typeof(r.entry) = 'object'
$$;
comment on function finance.rows_of(bytea) is 'The objects that a page of the rail lists.';

create or replace function finance.ledger_rows(p_page bytea)
returns table (
    ledger_entry_id text, entry_type text, amount numeric, payout_id text, created_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- An id that no index takes: a hash of it is as good for a row, its beginning for whoever asks.
    select
        case
            when length(r.entry ->> 'id') > 255
                then encode(sha256(convert_to(r.entry ->> 'id', 'UTF8')), 'hex')
            else nullif(r.entry ->> 'id', '')
        end,
        coalesce(r.entry ->> 'type', ''),
        finance.try_numeric(r.entry ->> 'amount'), left(r.entry ->> 'payout_id', 255),
        finance.try_instant(r.entry ->> 'created_at')
    from finance.rows_of(p_page) as r (entry)
$$;
