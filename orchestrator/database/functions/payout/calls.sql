-- The calls of a batch: written before the first is made, each try committed before it goes out.

create or replace function finance.payouts_to_send(p_batch_id bigint)
returns table (
    line_id text, call_sequence integer, seller_id text, idempotency_key text, description text, payout json
)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        l.line_id, l.call_sequence, l.seller_id, l.idempotency_key, d.description,
        json_build_object(
            'currency', l.rail_currency,
            'amount', finance.decimal_amount(l.amount_minor)::numeric(30, 6)::text,
            'destination', l.wallet_address,
            'description', d.description,
            'metadata', json_build_object(
                'seller_id', l.seller_id, 'payout_window', l.payout_window, 'line_id', l.line_id
            ),
            'idempotency_key', l.idempotency_key
        )
    from finance.payout_lines as l
    cross join lateral (select 'Settlement ' || l.payout_window as description) as d
    where l.batch_id = p_batch_id
$$;
comment on function finance.payouts_to_send(bigint) is
'The lines of a batch, each with its payout as a call asks the rail for it.';

create or replace function finance.write_calls(
    p_batch finance.payout_batches, p_path text, p_is_line_by_line boolean
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    with payouts as (
        select p.* from finance.payouts_to_send(p_batch.batch_id) as p
    ),
    keys as (
        select
            p.call_sequence, count(*) as line_count,
            case
                when p_is_line_by_line then min(p.idempotency_key)
                else format('settle/%s/%s/run-%s/%s%s', (select i.installation_id from finance.installation as i),
                    p_batch.payout_window, p_batch.run, p_batch.attempt,
                    case when (select max(m.call_sequence) from payouts as m) > 1
                        then '/' || p.call_sequence else '' end)
            end as key,
            min(p.description) as description,
            json_agg(p.payout order by p.seller_id) as payouts
        from payouts as p group by p.call_sequence
    ),
    bodies as (
        select
            k.*,
            case
                when p_is_line_by_line then (k.payouts -> 0)::text
                else json_build_object(
                    'idempotency_key', k.key, 'description', k.description, 'payouts', k.payouts
                )::text
            end as body
        from keys as k
    )
    insert into finance.payout_calls (
        batch_id, sequence, idempotency_key, path, body, body_sha256, line_count
    )
    select
        p_batch.batch_id, b.call_sequence, b.key,
        case when p_is_line_by_line then '/v1/payouts' else p_path end, b.body,
        encode(sha256(convert_to(b.body, 'UTF8')), 'hex'), b.line_count
    from bodies as b
$$;

create or replace function finance.write_next_call(
    p_batch finance.payout_batches, p_refused finance.payout_calls, p_sequence integer, p_line_ids text[]
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    with keys as (
        -- The key of the freeze's call and the round: the same again after a restore.
        select
            regexp_replace(p_refused.idempotency_key, '/rest-[0-9]+$', '') || '/rest-' || 1 + coalesce(
                (regexp_match(p_refused.idempotency_key, '/rest-([0-9]+)$'))[1]::integer, 0
            ) as key,
            count(*) as line_count,
            min(p.description) as description,
            json_agg(p.payout order by p.seller_id) as payouts
        from finance.payouts_to_send(p_batch.batch_id) as p
        where p.line_id = any(p_line_ids)
    ),
    bodies as (
        select
            k.*,
            json_build_object(
                'idempotency_key', k.key, 'description', k.description, 'payouts', k.payouts
            )::text as body
        from keys as k
    )
    insert into finance.payout_calls (
        batch_id, sequence, follows, idempotency_key, path, body, body_sha256, line_count
    )
    select
        p_batch.batch_id, p_sequence, p_refused.sequence, b.key, p_refused.path, b.body,
        encode(sha256(convert_to(b.body, 'UTF8')), 'hex'), b.line_count
    from bodies as b
$$;

create or replace function finance.next_call(p_batch_id bigint)
returns table (sequence integer, path text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.sequence, c.path from finance.payout_calls as c
    where c.batch_id = p_batch_id and c.state in ('ready', 'sending', 'unknown')
    and not finance.has_resolved_line(c.batch_id, c.sequence)
    order by c.sequence limit 1
$$;
comment on function finance.next_call(bigint) is
'The next call of a batch that has no certain response and of which people have decided no line; no row when there is nothing left to send.';

create or replace function finance.has_certain_response(p_batch_id bigint, p_sequence integer)
returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.state = 'sending' and not exists (
        select from finance.call_attempts as a
        where a.batch_id = c.batch_id and a.sequence = c.sequence and a.ended_at is null
    ) and finance.classify_attempt(finance.decisive_attempt(c.batch_id, c.sequence))
    in ('accepted', 'rejected')
    from finance.payout_calls as c where c.batch_id = p_batch_id and c.sequence = p_sequence
$$;
comment on function finance.has_certain_response(bigint, integer) is
'Whether a run was killed before it drew the consequences of a certain response. The call is sent no more: what the rail refused it could take now, whoever is held since.';

create or replace function finance.call_body(p_batch_id bigint, p_sequence integer)
returns setof bytea
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_body bytea;
    v_piece constant integer := 1048576;
begin
    select convert_to(c.body, 'UTF8') into v_body from finance.payout_calls as c
    where c.batch_id = p_batch_id and c.sequence = p_sequence;
    for v_from in 1..length(v_body) by v_piece loop
        return next substring(v_body from v_from for v_piece);
    end loop;
end;
$$;
comment on function finance.call_body(bigint, integer) is
'The exact bytes of a call, for every try of it, in pieces of 1 MiB: who sends them holds them once.';

create or replace function finance.begin_attempt(p_batch_id bigint, p_sequence integer)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_attempt integer;
    v_stopped text;
begin
    perform finance.require_plain_call();
    -- No decision about a seller or a wallet falls between the look at it and the attempt.
    if not finance.was_sent(p_batch_id, p_sequence) then
        perform finance.lock_decisions();
    end if;
    perform from finance.payout_batches as b where b.batch_id = p_batch_id for update;
    if finance.pause_message() is not null then
        raise exception '%', finance.pause_message();
    end if;
    if finance.has_resolved_line(p_batch_id, p_sequence) then
        raise exception 'call % of batch % is sent no more: two people have decided the outcome of one of its lines; decide the others too, with settle resolve',
            p_sequence, p_batch_id;
    end if;
    update finance.payout_calls set state = 'sending'
    where batch_id = p_batch_id and sequence = p_sequence and state in ('ready', 'sending', 'unknown');
    if not found then
        raise exception 'call % of batch % has its answer: nothing is left to send', p_sequence,
            p_batch_id;
    end if;
    -- Asked again: another run may have sent it while this one waited.
    if not finance.was_sent(p_batch_id, p_sequence) then
        v_stopped := finance.stop_message(p_batch_id, p_sequence);
        if v_stopped is not null then
            raise exception '%', v_stopped;
        end if;
    end if;
    update finance.payout_batches set state = 'submitting'
    where batch_id = p_batch_id and state in ('frozen', 'unknown');
    insert into finance.call_attempts (batch_id, sequence, attempt, begun_at)
    -- What people said while this waited was said of the attempts before.
    select p_batch_id, p_sequence, coalesce(max(a.attempt), 0) + 1, finance.this_instant()
    from finance.call_attempts as a where a.batch_id = p_batch_id and a.sequence = p_sequence
    returning attempt into v_attempt;
    return v_attempt;
end;
$$;
comment on function finance.begin_attempt(bigint, integer) is
'To be committed before the call goes out, each time. Refuses while payouts are paused, and, until the rail may have read one, while a seller or wallet of the call is held.';

create or replace function finance.append_response_chunk(
    p_batch_id bigint, p_sequence integer, p_attempt integer, p_content bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    insert into finance.response_chunks (batch_id, sequence, attempt, chunk, content)
    select p_batch_id, p_sequence, p_attempt, count(*), p_content
    from finance.response_chunks as p
    where (p.batch_id, p.sequence, p.attempt) = (p_batch_id, p_sequence, p_attempt);
end;
$$;
comment on function finance.append_response_chunk(bigint, integer, integer, bytea) is
'A chunk of a response, in order; end_attempt, in the same transaction, joins them.';

create or replace function finance.end_attempt(
    p_batch_id bigint, p_sequence integer, p_attempt integer, p_http_status integer,
    p_was_sent boolean, p_request_id text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform finance.require_plain_call();
    update finance.call_attempts set
        http_status = p_http_status, was_sent = p_was_sent, request_id = p_request_id,
        response = (
            select finance.sanitize_response(coalesce(string_agg(p.content, '' order by p.chunk), ''))
            from finance.response_chunks as p
            where (p.batch_id, p.sequence, p.attempt) = (p_batch_id, p_sequence, p_attempt)
        ),
        ended_at = public.settle_now()
    where batch_id = p_batch_id and sequence = p_sequence and attempt = p_attempt
    and ended_at is null;
    delete from finance.response_chunks as p
    where (p.batch_id, p.sequence, p.attempt) = (p_batch_id, p_sequence, p_attempt);
end;
$$;
comment on function finance.end_attempt(bigint, integer, integer, integer, boolean, text) is
'The result of one attempt, with the response that was appended chunk by chunk; http_status 0 where there was none.';
