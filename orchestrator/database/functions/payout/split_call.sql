-- Of a refused call only the lines that the rail named fail; the others go into a call of their own.

create or replace function finance.named_lines(p_call finance.payout_calls, p_response jsonb)
returns table (line_id text, reason text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- Digits by name: to some servers those of other scripts are digits too, and no integer.
    with details as (
        select d.detail, (regexp_match(d.detail, '^payouts\[([0-9]{1,9})\]'))[1]::integer as place
        from jsonb_array_elements_text(
            case jsonb_typeof(p_response #> '{error,details}')
                when 'array' then p_response #> '{error,details}' else '[]'::jsonb
            end
        ) as d (detail)
    ),
    -- The rail names lines by their place in the call, from 0.
    placed as (
        select l.line_id, row_number() over (partition by l.call_sequence order by l.seller_id) - 1 as place
        from finance.payout_lines as l
        where l.batch_id = p_call.batch_id and l.call_sequence = p_call.sequence
    )
    select
        p.line_id,
        string_agg(regexp_replace(d.detail, '^payouts\[[0-9]+\]\.?', ''), '; ' order by d.detail)
    from details as d
    left join placed as p
        on p.place = case when p_call.line_count = 1 then coalesce(d.place, 0) else d.place end
    group by p.line_id
$$;
comment on function finance.named_lines(finance.payout_calls, jsonb) is
'The lines that a refusal names, with its reasons; a row without a line where it names anything else.';

create or replace function finance.others_go_on(p_call finance.payout_calls, p_response jsonb)
returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- One call is accepted whole or not at all; and what people have decided of a line, the refusal of
    -- its call contradicts or repeats.
    select count(n.line_id) between 1 and p_call.line_count - 1 and bool_and(n.line_id is not null)
    and (select count(*) from finance.payout_calls as c where c.batch_id = p_call.batch_id) > 1
    and not finance.has_resolved_line(p_call.batch_id, p_call.sequence)
    from finance.named_lines(p_call, p_response) as n
$$;
comment on function finance.others_go_on(finance.payout_calls, jsonb) is
'Whether a refusal names some lines of one call of several, and nothing else.';

create or replace function finance.split_call(
    p_batch finance.payout_batches, p_call finance.payout_calls, p_line_ids text[]
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_sequence integer;
begin
    select max(c.sequence) + 1 into v_sequence from finance.payout_calls as c
    where c.batch_id = p_call.batch_id;
    perform finance.write_next_call(p_batch, p_call, v_sequence, p_line_ids);
    update finance.payout_lines set call_sequence = v_sequence where line_id = any(p_line_ids);
    insert into finance.line_events (line_id, kind, source, detail)
    select l, 'next_call', 'answer', format('from call %s to call %s', p_call.sequence, v_sequence)
    from unnest(p_line_ids) as l;
    return v_sequence;
end;
$$;
comment on function finance.split_call(finance.payout_batches, finance.payout_calls, text[]) is
'Writes the call, to the byte, that sends these lines of a refused one, and moves them there; returns its number.';

-- Whoever writes it: nothing follows a call of which a payout may exist.
create or replace function finance.check_next_call() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_refused finance.payout_calls;
begin
    select c.* into v_refused from finance.payout_calls as c
    where c.batch_id = new.batch_id and c.sequence = new.follows;
    if v_refused.state is distinct from 'rejected' or finance.classify_call(
        v_refused, finance.decisive_attempt(v_refused.batch_id, v_refused.sequence)
    ) is distinct from 'rejected' then
        raise exception 'no call follows call % of batch %: it was not refused for certain, and its lines may be paid',
            new.follows, new.batch_id;
    elsif new.line_count >= v_refused.line_count then
        raise exception 'call % of batch % sends % lines, and call %, which it follows, had %: at least one was refused',
            new.sequence, new.batch_id, new.line_count, new.follows, v_refused.line_count;
    end if;
    return new;
end;
$$;
create or replace trigger check_next_call before insert on finance.payout_calls for each row
when (new.follows is not null) execute function finance.check_next_call();

create or replace function finance.check_line_call() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if old.state <> 'frozen' or new.state <> 'frozen' or old.payout_id is not null
        or old.returned_at is not null or not exists (
            select from finance.payout_calls as c
            where c.batch_id = old.batch_id and c.sequence = new.call_sequence
            and c.follows = old.call_sequence and c.state = 'ready'
        ) then
        raise exception 'the line of seller % in % stays in call %: only what was refused with its call, and was not named, goes into the call that follows it',
            old.seller_id, old.payout_window, old.call_sequence;
    end if;
    return new;
end;
$$;
create or replace trigger check_line_call before update on finance.payout_lines for each row
when (old.call_sequence <> new.call_sequence) execute function finance.check_line_call();

create or replace function finance.check_lines_of_call() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if array(
        select p.payout #>> '{metadata,line_id}'
        from json_array_elements(new.body::json -> 'payouts') as p (payout) order by 1
    ) <> array(
        select l.line_id from finance.payout_lines as l
        where l.batch_id = new.batch_id and l.call_sequence = new.sequence order by 1
    ) or new.line_count <> json_array_length(new.body::json -> 'payouts') or exists (
        select from finance.payout_lines as l
        where l.batch_id = new.batch_id and l.call_sequence = new.follows and l.state = 'frozen'
    ) then
        raise exception 'call % of batch % does not send the lines that are in it: nothing was changed',
            new.sequence, new.batch_id;
    end if;
    return null;
end;
$$;
-- At the end of the transaction that writes it: a constraint trigger cannot be replaced.
drop trigger if exists check_lines_of_call on finance.payout_calls;
create constraint trigger check_lines_of_call after insert on finance.payout_calls
deferrable initially deferred for each row
when (new.follows is not null) execute function finance.check_lines_of_call();
