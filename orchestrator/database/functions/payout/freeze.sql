-- The freeze: approved lines become a batch, and the calls to make are written down to the byte.

create or replace function finance.freeze_batch(
    p_window text, p_max_lines integer default null, p_path text default '/v1/payouts/batch'
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_batch finance.payout_batches;
    v_set finance.window_position;
begin
    perform finance.require_plain_call();
    perform finance.lock_decisions();
    v_batch := finance.latest_batch(p_window);
    if v_batch.run = finance.current_run(p_window) then
        return v_batch.batch_id;
    end if;
    -- One statement sees one state: what is frozen is what the approvals were compared with.
    v_set := finance.window_position(p_window);
    if cardinality(v_set.obstacles) > 0 then
        raise exception '%', array_to_string(v_set.obstacles, '; ');
    end if;
    perform finance.require_read_ledgers(v_set);
    insert into finance.payout_batches (
        payout_window, run, attempt, digest, currency, line_count, total_minor
    )
    select
        p_window, v_set.run, coalesce(max(b.attempt), 0) + 1, v_set.digest, v_set.currency,
        v_set.line_count, v_set.total_minor
    from finance.payout_batches as b where b.payout_window = p_window
    returning * into v_batch;
    perform finance.freeze_lines(v_batch, least(coalesce(p_max_lines, v_set.line_count), v_set.line_count)::integer);
    perform finance.freeze_approvals(v_batch);
    perform finance.freeze_receipts(v_batch);
    perform finance.check_batch(v_batch);
    perform finance.write_calls(v_batch, p_path, p_max_lines = 1);
    insert into finance.line_events (line_id, kind, source)
    select l.line_id, 'frozen', 'freeze' from finance.payout_lines as l
    where l.batch_id = v_batch.batch_id;
    return v_batch.batch_id;
end;
$$;
comment on function finance.freeze_batch(text, integer, text) is
'Freezes the approved lines of a window''s current run into a batch and writes the calls to make, of at most p_max_lines each; 1 pays line by line, null all in one. Returns the batch where the run has one. Refuses with what is missing.';

create or replace function finance.freeze_lines(p_batch finance.payout_batches, p_max_lines integer)
returns void
language sql set search_path = pg_catalog, pg_temp as $$
    -- The key names the installation, the window and the seller and nothing else: a second attempt,
    -- and one after a restore, meets the first at the rail, and other bytes under it are refused.
    insert into finance.payout_lines (
        line_id, batch_id, call_sequence, payout_window, seller_id, amount_minor, rail,
        rail_currency, wallet_address, idempotency_key
    )
    select
        left(encode(sha256(convert_to(k.key || '|' || p_batch.attempt, 'UTF8')), 'hex'), 32),
        p_batch.batch_id,
        (row_number() over (partition by p_batch.batch_id order by h.seller_id collate "C") - 1)
        / p_max_lines + 1,
        p_batch.payout_window, h.seller_id, h.net_minor, h.rail, h.rail_currency,
        h.wallet_address, k.key
    from finance.rows_without_line(p_batch.payout_window) as h
    cross join finance.installation as i
    cross join lateral (
        select format('settle/%s/%s/%s', i.installation_id, p_batch.payout_window,
            left(encode(sha256(convert_to(h.seller_id, 'UTF8')), 'hex'), 32)) as key
    ) as k
    where cardinality(h.hold_reasons) = 0
$$;

create or replace function finance.freeze_approvals(p_batch finance.payout_batches) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_forged finance.approvals;
begin
    -- An approval is its lines: whose digest is not theirs was not given by a person.
    select a.* into v_forged from finance.approvals as a
    where a.payout_window = p_batch.payout_window and a.run = p_batch.run and a.revoked_at is null
    and a.digest is distinct from finance.approval_digest(a)
    order by a.approval_id limit 1;
    if v_forged.approval_id is not null then
        raise exception 'the digest of approval % of % (%) is not that of its lines: nothing was frozen; pause payouts and find out who wrote it',
            v_forged.approval_id, p_batch.payout_window, v_forged.approved_by;
    end if;
    insert into finance.batch_approvals (batch_id, approval_id, payout_window, run)
    select p_batch.batch_id, a, p_batch.payout_window, p_batch.run
    from finance.approvals_covering(p_batch.payout_window, p_batch.run, array(
        select row(f.seller_id, f.amount_minor, f.rail, f.rail_currency, f.wallet_address, null)
            ::finance.seller_position
        from finance.payout_lines as f where f.batch_id = p_batch.batch_id
    )) as a;
    -- What they have beside them became held since.
    insert into finance.batch_left_out
    select distinct on (l.seller_id)
        p_batch.batch_id, l.seller_id, l.net_minor, h.hold_reasons[1]
    from finance.approval_lines as l
    inner join finance.batch_approvals as a
        on l.approval_id = a.approval_id and a.batch_id = p_batch.batch_id
    inner join finance.current_holds(p_batch.payout_window) as h on l.seller_id = h.seller_id
    where cardinality(h.hold_reasons) > 0
    order by l.seller_id, l.approval_id;
end;
$$;
