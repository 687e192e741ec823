-- After a batch that the rail refused because of some of its sellers: they are held, and the rest is
-- approved, in one decision.

create or replace function finance.refused_sellers(p_window text)
returns table (seller_id text, reason text, amount_minor bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select l.seller_id, l.failure_reason, l.amount_minor
    from finance.payout_lines as l
    where l.payout_window = p_window and l.state = 'rejected' and l.failure_code = 'refused'
    and l.batch_id = (
        select max(b.batch_id) from finance.payout_batches as b where b.payout_window = p_window
    )
$$;
comment on function finance.refused_sellers(text) is
'One row per seller that the rail named when it rejected the latest batch of a window, with its reason; none where that batch was not rejected.';

create or replace function finance.rest_of_refused(p_window text) returns finance.payable_set
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_position finance.window_position;
    v_rest finance.seller_position[];
    v_set finance.payable_set;
begin
    if not exists (select from finance.refused_sellers(p_window)) then
        return null;
    end if;
    v_position := finance.window_position(p_window);
    select array_agg(p), count(*), coalesce(sum((p).net_minor), 0)
    into v_rest, v_set.line_count, v_set.total_minor
    from unnest(v_position.sellers) as p
    where cardinality((p).hold_reasons) = 0
    and (p).seller_id not in (select r.seller_id from finance.refused_sellers(p_window) as r);
    v_set.payout_window := p_window;
    v_set.run := v_position.run;
    v_set.currency := v_position.currency;
    v_set.digest := finance.digest_of(p_window, v_position.run, v_position.currency, v_rest);
    return v_set;
end;
$$;
comment on function finance.rest_of_refused(text) is
'The digest, count and total of what a window would pay without the sellers that the rail refused; null where it refused none.';

create or replace function finance.approve_rest(
    p_window text, p_digest text, p_note text, out held_count bigint, out line_count bigint,
    out total_minor numeric
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_file_id bigint;
begin
    perform finance.require_finance_member();
    perform finance.lock_decisions();
    if not exists (select from finance.refused_sellers(p_window)) then
        raise exception 'the rail named no seller when it answered the latest batch of %: nobody is held, approve it as it is',
            p_window;
    end if;
    v_file_id := nextval('finance.file_ids');
    insert into finance.seller_holds (seller_id, note, file_id)
    select r.seller_id, p_note, v_file_id from finance.refused_sellers(p_window) as r
    order by r.seller_id
    on conflict (seller_id) where lifted_at is null do nothing;
    get diagnostics held_count = row_count;
    -- With them held, it is what remains that must have this digest.
    perform finance.approve(p_window, p_digest);
    select p.line_count, p.total_minor into line_count, total_minor
    from finance.payable(p_window) as p;
end;
$$;
comment on function finance.approve_rest(text, text, text) is
'Holds the sellers that the rail refused, where they are not held yet, and approves the digest of what remains; both or neither. Returns how many were held now, and what is approved.';
