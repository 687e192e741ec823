-- What the tries of a call add up to: accepted, rejected, or not certain. Unknown is not rejected.

create or replace function finance.meaning(p_try finance.call_attempts) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_answer jsonb;
    v_payouts jsonb;
begin
    -- The rail cannot have read it, or did not look at it.
    if p_try.http_status = 429 or (p_try.http_status = 0 and not p_try.was_sent) then
        return 'not_read';
    end if;
    if p_try.ended_at is null or p_try.http_status = 0 or p_try.http_status >= 500 then
        return 'unknown';
    end if;
    v_answer := finance.try_jsonb(p_try.response);
    -- An answer that cannot be read is no certain answer.
    if p_try.http_status between 200 and 299 then
        v_payouts := finance.payouts_of(v_answer);
        return case
            when jsonb_array_length(v_payouts) > 0 and (
                v_answer #> '{data,payouts}' is not null or exists (
                    select from finance.payout_calls as c
                    where c.batch_id = p_try.batch_id and c.sequence = p_try.sequence
                    and c.path = '/v1/payouts'
                )
            ) then 'accepted'
            else 'unknown'
        end;
    end if;
    return case
        when p_try.http_status = 400
        and v_answer #>> '{error,code}' in ('validation_error', 'invalid_state') then 'rejected'
        else 'stopped'
    end;
end;
$$;
comment on function finance.meaning(finance.call_attempts) is
'What one try says by itself: accepted, rejected, not_read, stopped, or unknown, which it is while it is open.';

create or replace function finance.decisive_attempt(p_batch_id bigint, p_sequence integer)
returns finance.call_attempts
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- An acceptance, whenever it came: two runs at once may hear two answers. Else the latest answer.
    select a.* from finance.call_attempts as a
    where a.batch_id = p_batch_id and a.sequence = p_sequence and a.ended_at is not null
    order by finance.meaning(a) = 'accepted' desc, a.attempt desc
    limit 1
$$;

create or replace function finance.verdict(
    p_call finance.payout_calls, p_decisive finance.call_attempts
) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_meaning text := finance.meaning(p_decisive);
begin
    -- A refusal cannot be the whole truth where another try may have been taken, and this
    -- ("balance too low") be its doing, or where the rail has spoken of a payout before.
    if v_meaning = 'rejected' and (
        exists (
            select from finance.call_attempts as a
            where a.batch_id = p_call.batch_id and a.sequence = p_call.sequence
            and finance.meaning(a) not in ('rejected', 'not_read')
        )
        or exists (
            select from finance.payout_lines as l
            where l.batch_id = p_call.batch_id and l.call_sequence = p_call.sequence
            and l.payout_id is not null
        )
    ) then
        return 'stopped';
    end if;
    return case v_meaning when 'not_read' then 'unknown' else v_meaning end;
end;
$$;
comment on function finance.verdict(finance.payout_calls, finance.call_attempts) is
'What the tries of a call allow us to believe: accepted, rejected (nothing was created), unknown (ask again, with the same bytes), or stopped (asking again teaches nothing: a person must look).';
