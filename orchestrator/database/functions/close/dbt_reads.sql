-- What the owner's functions read of the relations that dbt builds. They run as settle_reader, which
-- can read those relations and nothing else: a function inside a model's view gets no more than that.
-- Late-bound, so that a rebuild drops nothing here.

-- For the row types that they return.
grant usage on schema finance to settle_reader;
set role settle_reader;

create or replace function reading.build()
returns table (
    as_of timestamptz, close_lag interval, settlement_timezone text, currency text,
    stored_until timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select b.as_of, b.close_lag, b.settlement_timezone, b.currency, b.stored_until
    from settlement_core.int_build as b;
end;
$$;

create or replace function reading.windows()
returns table (
    payout_window text, window_starts_at timestamptz, window_ends_at timestamptz,
    payout_due_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select w.payout_window, w.window_starts_at, w.window_ends_at, w.payout_due_at
    from settlement.windows as w;
end;
$$;

create or replace function reading.close_rows(p_window text)
returns setof finance.window_close_rows
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select
        s.payout_window, s.seller_id, s.gross_minor, s.fees_minor, s.refunds_minor,
        s.disputes_minor, s.adjustments_minor, s.carried_forward_minor, s.net_minor,
        s.order_count, s.weeks_carried, s.rail, s.rail_currency, s.wallet_address, s.region,
        s.seller_status, s.hold_reasons, s.hold_detail
    from settlement_core.int_settlement__computed as s
    where s.payout_window = p_window;
end;
$$;

create or replace function reading.close_entries(p_window text, p_window_starts_at timestamptz)
returns setof finance.window_close_entries
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select
        p_window, e.entry_type, e.source_id, e.order_id, e.seller_id, e.amount_minor,
        e.occurred_at, e.known_at, e.available_at
    from settlement_core.int_entries as e
    where e.window_starts_at = p_window_starts_at;
end;
$$;

create or replace function reading.close_health(p_window text)
returns setof finance.window_close_health
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select
        h.payout_window, h.seller_id, h.trailing_30d_gross::numeric(18, 2),
        h.trailing_30d_fees::numeric(18, 2), h.trailing_30d_disputes::numeric(18, 2),
        h.health_score::numeric(4, 1), h.dispute_rate::numeric(7, 4),
        h.refund_rate::numeric(7, 4), h.spike_ratio::numeric(18, 4), h.needs_review,
        h.review_reasons
    from settlement_core.int_seller_health as h
    where h.payout_window = p_window;
end;
$$;

create or replace function reading.absorbed_minor(p_from timestamptz, p_before timestamptz)
returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select coalesce(sum(d.opened_minor), 0) from settlement_core.int_disputes as d
        where not d.is_in_time and d.opened_known_at >= p_from and d.opened_known_at < p_before
    );
end;
$$;

create or replace function reading.accounts()
returns table (
    seller_id text, seller_status text, payouts_enabled boolean, wallet_address text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select a.seller_id, a.seller_status, a.payouts_enabled, a.wallet_address
    from settlement.seller_accounts as a;
end;
$$;

create or replace function reading.account(p_seller text)
returns table (
    seller_id text, seller_status text, payouts_enabled boolean, wallet_address text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select a.seller_id, a.seller_status, a.payouts_enabled, a.wallet_address
    from settlement.seller_accounts as a where a.seller_id = p_seller;
end;
$$;

create or replace function reading.window_checks(p_window text)
returns table (check_name text, is_blocking boolean, is_passed boolean, detail text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select c.check_name, c.is_blocking, c.is_passed, c.detail
    from settlement.window_checks as c where c.payout_window = p_window;
end;
$$;

create or replace function reading.contradictions()
returns table (payout_window text, seller_id text, stored_minor bigint, computed_minor bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select c.payout_window, c.seller_id, c.stored_minor, c.computed_minor
    from settlement_core.int_close_contradictions as c;
end;
$$;

create or replace function reading.expected_fees()
returns table (currency_code text, network_fee numeric, fee_rate numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select r.currency_code, r.expected_network_fee, r.expected_fee_rate
    from settlement_seeds.rails as r;
end;
$$;

set role settle_owner;
