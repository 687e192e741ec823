-- What a window would pay now, what that takes, and what is in its way: read once, for whoever asks.

create or replace function finance.window_position(p_window text) returns finance.window_position
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_position finance.window_position;
    v_batch finance.payout_batches := finance.latest_batch(p_window);
    v_ready finance.seller_position[];
begin
    select c.payout_window, c.currency into v_position.payout_window, v_position.currency
    from finance.window_closes as c where c.payout_window = p_window;
    if v_position.payout_window is not null then
        select
            array_agg(h.seller), array_agg(h.seller) filter (where h.is_ready),
            count(*) filter (where h.is_ready), coalesce(sum(h.net_minor) filter (where h.is_ready), 0)
        into v_position.sellers, v_ready, v_position.line_count, v_position.total_minor
        from (
            select
                row(s.*)::finance.seller_position as seller, s.net_minor,
                cardinality(s.hold_reasons) = 0 as is_ready
            from finance.rows_without_line(p_window) as s
        ) as h;
        v_position.run := finance.run_after(
            v_batch, p_window = finance.latest_closed_window() and v_position.line_count > 0
        );
        -- What is frozen stays as its batch has it.
        if v_batch.run = v_position.run then
            v_position.digest := v_batch.digest;
            v_position.line_count := v_batch.line_count;
            v_position.total_minor := v_batch.total_minor;
            v_position.covering := array(
                select a.approval_id from finance.batch_approvals as a
                where a.batch_id = v_batch.batch_id order by a.approval_id
            );
        else
            v_batch := null;
            v_position.digest := finance.digest_of(p_window, v_position.run, v_position.currency, v_ready);
            v_position.covering := array(
                select a from finance.approvals_covering(p_window, v_position.run, v_ready) as a order by a
            );
        end if;
        v_position.funding := array(select n from finance.funding_needs(v_batch.batch_id, v_ready) as n);
    end if;
    v_position.obstacles := array(select o from finance.obstacles(p_window, v_position) as o);
    return v_position;
end;
$$;
comment on function finance.window_position(text) is
'The current run of a stored window as it is now: the sellers without a line with their holds, digest, count and total of what it pays (its frozen lines, else those that nothing holds), the approvals that cover all of these, what stands between the run and its payout, and the funding it needs. Nulls and one obstacle where the window has no stored close.';

create or replace function finance.payable(p_window text) returns finance.payable_set
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.payout_window, p.currency, p.digest, p.line_count, p.total_minor, p.run
    from finance.window_position(p_window) as p
$$;
comment on function finance.payable(text) is
'The digest, count and total of what the current run of a stored window pays, and which run that is; null where the window has no stored close.';

create or replace function finance.covering_approvals(p_window text)
returns setof finance.approvals
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    -- Asked only where there is an approval.
    select a.* from finance.approvals as a
    where a.payout_window = p_window and a.revoked_at is null
    and a.approval_id = any((select p.covering from finance.window_position(p_window) as p)::bigint[])
$$;
comment on function finance.covering_approvals(text) is
'The current approvals that cover every line of a window''s current run.';

create or replace function finance.payout_obstacles(p_window text) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select unnest(p.obstacles) from finance.window_position(p_window) as p
$$;
comment on function finance.payout_obstacles(text) is
'What stands between a window and its payout; no row when nothing does.';

create or replace function finance.funding(p_window text)
returns table (
    rail text, rail_currency text, line_count bigint, needed numeric, expected_fees numeric,
    available numeric, missing numeric, read_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select n.* from finance.window_position(p_window) as p cross join lateral unnest(p.funding) as n
$$;
comment on function finance.funding(text) is
'One row per currency of a window''s payout, in decimals of that currency: what its lines and their fees need, what the rail had when it was last asked (null: no balance), and what is missing.';
