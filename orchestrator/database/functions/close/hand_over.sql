-- From dbt's relations to the owner's tables: the only way in which what models compute reaches the
-- control functions.

create or replace function finance.begin_handover() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from handover.build;
    delete from handover.windows;  -- and handover.closes with them
    delete from handover.window_checks;
    delete from handover.contradictions;
    delete from handover.expected_fees;
    delete from handover.reserve_policies;
    delete from handover.policy_rows;
    delete from handover.flag_policies;
    delete from handover.payout_holidays;
    delete from handover.unpayable_wallets;
    delete from handover.open_balances;
end;
$$;
comment on function finance.begin_handover() is
'Takes away what the build before handed over; part of hand_over, which is one transaction.';

-- Runs with the rights of dbt's login: whatever code a model hides gets those and no others. One
-- transaction, so that readers see one build or the other. Relations are named late: a rebuild drops
-- nothing here.
create or replace function finance.hand_over() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_build record;
    v_window record;
    v_absorbed bigint;
    v_rows record;
    v_entries record;
    v_facts bigint;
    v_health bigint;
begin
    perform finance.begin_handover();
    -- The large ones are read by a close alone, and no close runs beside a build. Emptied by who
    -- fills them: in one transaction a cluster takes them from one login.
    truncate handover.close_rows, handover.close_entries, handover.close_facts,
        handover.close_health;
    select
        b.as_of, b.close_lag, b.settlement_timezone, b.currency, b.stored_until, b.currencies_digest
    into strict v_build
    from settlement_core.int_build as b;
    insert into handover.windows
    select w.payout_window, w.window_starts_at, w.window_ends_at, w.payout_due_at
    from settlement.windows as w;
    for v_window in
        select w.payout_window, w.window_starts_at, w.window_ends_at
        from settlement.windows as w
        where w.window_starts_at >= v_build.stored_until
        and w.window_ends_at + v_build.close_lag <= v_build.as_of
        order by w.window_starts_at
    loop
        select coalesce(sum(d.opened_minor), 0) into v_absorbed
        from settlement_core.int_disputes as d
        where d.is_absorbed and d.opened_known_at >= v_window.window_starts_at
        and d.opened_known_at < v_window.window_ends_at;
        with handed as (
            insert into handover.close_rows
            select
                s.payout_window, s.seller_id, s.gross_minor, s.fees_minor, s.taxes_minor,
                s.refunds_minor, s.disputes_minor, s.charges_minor, s.adjustments_minor,
                s.carried_forward_minor, s.net_minor,
                s.order_count, s.weeks_carried, s.rail, s.rail_currency, s.wallet_address,
                s.region, s.seller_status, s.hold_reasons, s.hold_detail
            from settlement_core.int_settlement__computed as s
            where s.payout_window = v_window.payout_window
            returning net_minor
        )
        select count(*) as row_count, coalesce(sum(h.net_minor), 0) as net_minor into v_rows
        from handed as h;
        insert into handover.close_entries
        select
            v_window.payout_window, e.entry_type, e.source_id, e.order_id, e.seller_id,
            e.amount_minor, e.occurred_at, e.known_at, e.available_at
        from settlement_core.int_entries as e
        where e.window_starts_at = v_window.window_starts_at;
        select count(*) as row_count, coalesce(sum(h.amount_minor), 0) as minor into v_entries
        from handover.close_entries as h where h.payout_window = v_window.payout_window;
        insert into handover.close_facts
        select v_window.payout_window, f.source_table, f.source_id, f.order_id, f.seller_id,
            f.posted_at
        from settlement_core.int_facts__seen as f
        where f.window_starts_at = v_window.window_starts_at;
        get diagnostics v_facts = row_count;
        insert into handover.close_health
        select
            h.payout_window, h.seller_id, h.trailing_30d_gross, h.trailing_30d_fees,
            h.trailing_30d_disputes, h.health_score, h.dispute_rate, h.refund_rate,
            h.spike_ratio, h.needs_review, h.review_reasons, h.first_ordered_at
        from settlement_core.int_seller_health as h
        where h.payout_window = v_window.payout_window;
        get diagnostics v_health = row_count;
        insert into handover.flag_policies
        select f.payout_window, f.seller_id, f.reserve_policy, f.review_reasons
        from settlement_core.int_flag_policies as f
        where f.payout_window = v_window.payout_window;
        insert into handover.closes values (
            v_window.payout_window, v_absorbed, v_rows.row_count, v_rows.net_minor,
            v_entries.row_count, v_entries.minor, v_facts, v_health
        );
    end loop;
    insert into handover.window_checks
    select c.payout_window, c.check_name, c.is_blocking, c.is_passed, c.detail
    from settlement.window_checks as c;
    insert into handover.contradictions
    select c.payout_window, c.seller_id, c.stored_minor, c.computed_minor
    from settlement_core.int_close_contradictions as c;
    insert into handover.expected_fees
    select r.currency_code, r.pegged_to, r.expected_network_fee, r.expected_fee_rate
    from settlement_seeds.rails as r;
    insert into handover.reserve_policies
    select p.policy, min(p.valid_from) from settlement_seeds.reserve_policies as p group by p.policy;
    insert into handover.policy_rows
    select
        'reserve_policies', p.policy, p.valid_from, jsonb_build_object(
            'reserve_days', p.reserve_days, 'holdback_percent', p.holdback_percent,
            'holdback_days', p.holdback_days
        )
    from settlement_seeds.reserve_policies as p
    union all
    select
        'new_seller_policies', 'new sellers', n.valid_from,
        jsonb_build_object('policy', n.policy, 'days', n.days)
    from settlement_seeds.new_seller_policies as n
    union all
    select
        'review_actions', a.review_reason, a.valid_from, jsonb_build_object(
            'action', a.action, 'policy', a.policy, 'lift_after_weeks', a.lift_after_weeks
        )
    from settlement_seeds.review_actions as a;
    perform finance.refuse_changed_policies();
    insert into handover.payout_holidays
    select distinct h.day from settlement_seeds.payout_holidays as h;
    insert into handover.unpayable_wallets
    select finance.wallet_account(u.wallet_address), min(u.what)
    from settlement_seeds.unpayable_wallets as u group by 1;
    insert into handover.open_balances
    select r.seller_id, r.pending_balance, r.available_balance, r.disputed_amount
    from settlement.seller_reserve as r
    where (r.pending_balance, r.available_balance, r.disputed_amount) <> (0, 0, 0);
    insert into handover.build (
        as_of, close_lag, settlement_timezone, currency, stored_until, currencies_digest
    )
    values (
        v_build.as_of, v_build.close_lag, v_build.settlement_timezone, v_build.currency,
        v_build.stored_until, v_build.currencies_digest
    );
end;
$$;
comment on function finance.hand_over() is
'dbt''s login, at the end of a whole build of the live schemas: copies what closes, checks and alerts need into the tables of schema handover.';
