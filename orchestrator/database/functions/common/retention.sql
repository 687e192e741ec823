-- Raw texts of the rail's, and what events said, go after some months; what was read from them stays.

create or replace function finance.prune_raw_texts(p_months integer, p_limit integer default 10000)
returns table (what text, pruned bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_before timestamptz := public.settle_now() - make_interval(months => p_months);
begin
    perform finance.require_plain_call();
    if p_months is null or p_months < 6 then
        raise exception 'raw texts of the rail are evidence for 6 months at least, not %',
            coalesce(p_months::text, 'none');
    end if;

    -- One that could not be read waits for a person.
    update halfin.webhook_events as w
    set body = null, payload = null, pruned_at = public.settle_now()
    where w.webhook_event_id in (
        select e.webhook_event_id from halfin.webhook_events as e
        where e.body is not null and e.received_at < v_before and not exists (
            select from finance.breaks as b
            where b.kind = 'unreadable_event' and b.subject = e.webhook_event_id::text
            and b.closed_at is null
        )
        order by e.received_at limit p_limit
    );
    get diagnostics pruned = row_count;
    what := 'webhooks';
    return next;

    -- The latest one says what is funded.
    update halfin.balance_reads as r
    set
        body = null, pruned_at = public.settle_now(), body_sha256 = sha256(r.body),
        available = (
            select jsonb_object_agg(b.currency, b.available)
            from (
                select
                    b.balance ->> 'currency' as currency,
                    sum(finance.try_numeric(b.balance ->> 'available')) as available
                from finance.rows_of(r.body) as b (balance)
                where b.balance ->> 'environment' = finance.rail_environment()
                and b.balance ->> 'currency' is not null
                group by b.balance ->> 'currency'
            ) as b
        )
    where r.balance_read_id in (
        select b.balance_read_id from halfin.balance_reads as b
        where b.body is not null and b.read_at < v_before
        and b.balance_read_id < (select max(m.balance_read_id) from halfin.balance_reads as m)
        order by b.read_at limit p_limit
    );
    get diagnostics pruned = row_count;
    what := 'balances';
    return next;

    -- Of a batch that is over: each line is paid, or back with its seller.
    update finance.call_attempts as c
    set
        response = null, pruned_at = public.settle_now(),
        response_sha256 = sha256(convert_to(c.response, 'UTF8'))
    where (c.batch_id, c.sequence, c.attempt) in (
        select a.batch_id, a.sequence, a.attempt from finance.call_attempts as a
        inner join finance.payout_batches as b on a.batch_id = b.batch_id
        where a.response is not null and a.ended_at < v_before
        and b.state in ('accepted', 'rejected') and not exists (
            select from finance.payout_lines as l
            where l.batch_id = a.batch_id and l.state in ('frozen', 'submitted', 'failed')
            and l.returned_at is null
        )
        order by a.ended_at limit p_limit
    );
    get diagnostics pruned = row_count;
    what := 'responses';
    return next;

    -- Posted, or given up long ago.
    update finance.events as e
    set
        data = null, pruned_at = public.settle_now(),
        data_sha256 = sha256(convert_to(e.data::text, 'UTF8'))
    where e.event_number in (
        select o.event_number from finance.events as o
        where o.data is not null and o.recorded_at < v_before
        order by o.recorded_at limit p_limit
    );
    get diagnostics pruned = row_count;
    what := 'events';
    return next;
end;
$$;
comment on function finance.prune_raw_texts(integer, integer) is
'Empties raw webhooks, balances and responses of the rail, and what events said, where they are older than so many months, p_limit of each; what was read from them stays, with their SHA-256. Returns how many.';
