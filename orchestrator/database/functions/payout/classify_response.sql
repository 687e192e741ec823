-- What the attempts of a call add up to: accepted, rejected, or not certain. Unknown is not rejected.

create or replace function finance.classify_attempt(p_attempt finance.call_attempts) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_response jsonb;
    v_payouts jsonb;
begin
    -- The rail cannot have read it, or did not look at it.
    if p_attempt.http_status = 429 or (p_attempt.http_status = 0 and not p_attempt.was_sent) then
        return 'not_read';
    end if;
    if p_attempt.ended_at is null or p_attempt.http_status = 0 or p_attempt.http_status >= 500 then
        return 'unknown';
    end if;
    v_response := finance.try_jsonb(p_attempt.response);
    -- A response that cannot be read is not certain.
    if p_attempt.http_status between 200 and 299 then
        v_payouts := finance.payouts_of(v_response);
        return case
            when jsonb_array_length(v_payouts) > 0 and (
                v_response #> '{data,payouts}' is not null or exists (
                    select from finance.payout_calls as c
                    where c.batch_id = p_attempt.batch_id and c.sequence = p_attempt.sequence
                    and c.path = '/v1/payouts'
                )
            ) then 'accepted'
            else 'unknown'
        end;
    end if;
    return case
        when p_attempt.http_status = 400
        and v_response #>> '{error,code}' in ('validation_error', 'invalid_state') then 'rejected'
        else 'stopped'
    end;
end;
$$;
comment on function finance.classify_attempt(finance.call_attempts) is
'The class of one attempt by itself: accepted, rejected, not_read, stopped, or unknown, which it is while it is open.';

create or replace function finance.decisive_attempt(p_batch_id bigint, p_sequence integer)
returns finance.call_attempts
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- An acceptance, whenever it came: two runs at once may have two responses. Else the latest.
    select a.* from finance.call_attempts as a
    where a.batch_id = p_batch_id and a.sequence = p_sequence and a.ended_at is not null
    order by finance.classify_attempt(a) = 'accepted' desc, a.attempt desc
    limit 1
$$;

create or replace function finance.classify_call(
    p_call finance.payout_calls, p_decisive finance.call_attempts
) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_attempt_class text := finance.classify_attempt(p_decisive);
begin
    -- A 400 is not trusted if an earlier attempt may have been accepted ("balance too low" may be that
    -- attempt's effect), or if the rail has named a payout of this call or people have called one paid.
    if v_attempt_class = 'rejected' and (
        exists (
            select from finance.call_attempts as a
            where a.batch_id = p_call.batch_id and a.sequence = p_call.sequence
            and finance.classify_attempt(a) not in ('rejected', 'not_read')
        )
        or exists (
            select from finance.payout_lines as l
            where l.batch_id = p_call.batch_id and l.call_sequence = p_call.sequence
            and (l.payout_id is not null or l.state in ('completed', 'returned'))
        )
    ) then
        return 'stopped';
    end if;
    return case v_attempt_class when 'not_read' then 'unknown' else v_attempt_class end;
end;
$$;
comment on function finance.classify_call(finance.payout_calls, finance.call_attempts) is
'The class of a call by all its attempts: accepted, rejected (nothing was created), unknown (send again, same bytes), or stopped (sending again would tell nothing new: a person must look).';
