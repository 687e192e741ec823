-- Rows of a file that people decide about as a whole. They come as JSON, each with the line it
-- stood on and its values as text; one bad row refuses the file.

create or replace function finance.amount_fault(p_amount text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select case
        when coalesce(p_amount, '') !~ '^-?[0-9]+([.][0-9]+)?$'
            then 'amount: is not an amount; write it like 12.50 or -3.00'
        when p_amount ~ '[.][0-9]{3}'
            then 'amount: has more than two decimals; round it or fix the export'
        when p_amount !~ '^-?[0-9]{1,12}([.]|$)'
            then 'amount: is out of range; the largest amount is 999999999999.99'
        when p_amount !~ '[1-9]'
            then 'amount: is 0, which changes nothing; leave the row out'
    end
$$;
comment on function finance.amount_fault(text) is
'What is wrong with the text of an amount that adds to a balance or takes from it; null where nothing is.';

create or replace function finance.seller_faults(p_rows jsonb, p_may_repeat boolean default false)
returns table (line bigint, fault text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with given as (
        select
            r.line, coalesce(r.seller_id, '') as seller_id,
            min(r.line) over (partition by r.seller_id) as first_line
        from jsonb_to_recordset(p_rows) as r (line bigint, seller_id text)
    )
    select
        g.line,
        case g.seller_id
            when '' then 'seller_id: is empty; every row needs one'
            else 'seller_id: no such seller is known; load the seller first, or fix the id'
        end
    from given as g
    left join finance.sellers_now() as s on g.seller_id = s.seller_id
    where s.seller_id is null and not finance.is_known_seller(g.seller_id)
    union all
    select g.line, format('seller_id: is on line %s too; keep one of the two', g.first_line)
    from given as g
    where not p_may_repeat and g.line > g.first_line and g.seller_id <> ''
$$;
comment on function finance.seller_faults(jsonb, boolean) is
'The lines of a file that have no seller, one that nobody knows, or, unless they may repeat, one who stands on an earlier line.';

create or replace function finance.refuse_rows(p_faults jsonb) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    v_faults constant text[] := array(
        select format('line %s: %s', f.line, f.fault)
        from jsonb_to_recordset(p_faults) as f (line bigint, fault text)
        where f.fault is not null
        order by f.line, f.fault
    );
    v_count constant integer := cardinality(v_faults);
begin
    if v_count > 0 then
        raise exception '% of the file cannot be taken%: nothing was stored; fix the file and try again',
            case v_count when 1 then '1 row' else v_count || ' rows' end,
            case when v_count > 50 then ' (the first 50 are listed)' else '' end
            using detail = array_to_string(v_faults[:50], E'\n');
    end if;
end;
$$;
comment on function finance.refuse_rows(jsonb) is
'Raises where the array of {line, fault} names any bad row; the detail of the error has one line for each, at most 50, by their lines. A null fault is left out.';

-- A file is one decision: what is left of it once somebody took rows out is not what was looked at.
create or replace function finance.refuse_shortened_file(p_file_id bigint, p_withdrawn_by text[])
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_other constant text := (select min(w) from unnest(p_withdrawn_by) as w where w <> session_user);
begin
    if v_other is not null and array_position(p_withdrawn_by, null) is not null then
        raise exception '% withdrew a part of file %, which is not what was entered any more: nothing of it was approved; approve its rows one by one, or withdraw it and enter it again',
            v_other, p_file_id;
    end if;
end;
$$;
comment on function finance.refuse_shortened_file(bigint, text[]) is
'Raises where somebody else than who approves has withdrawn rows of a file of which others wait; takes who withdrew each row.';
