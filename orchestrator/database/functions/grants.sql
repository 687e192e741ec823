-- What this version no longer has goes; all others were made again just now, in this transaction. And
-- whatever was granted on them is taken back, to whomever: the grants are those below and no others.
do $$
declare
    v_owner text;
    v_statement text;
begin
    foreach v_owner in array array['settle_owner', 'settle_reader'] loop
        execute format('set local role %I', v_owner);
        for v_statement in
            select case
                when p.xmin <> pg_catalog.pg_current_xact_id()::xid
                    then format('drop routine %s', p.oid::regprocedure)
                else format('revoke all on function %s from %s', p.oid::regprocedure, g.who)
            end
            from pg_catalog.pg_proc as p
            inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
            cross join lateral (
                select string_agg(a.grantee::regrole::text, ', ') as who
                from aclexplode(p.proacl) as a
                where a.grantee not in (0, p.proowner)
            ) as g
            where n.nspname in ('finance', 'halfin', 'portal', 'marketplace', 'dbt_reads')
            and pg_get_userbyid(n.nspowner) = v_owner
            and (p.xmin <> pg_catalog.pg_current_xact_id()::xid or g.who is not null)
        loop
            execute v_statement;
        end loop;
    end loop;
    set local role settle_owner;
end;
$$;

-- Neither does a trigger stay switched off, nor a right to write to a table or schema of ours beside
-- those below. What is left to put back by hand is compared afterwards.
do $$
declare
    v_statement text;
begin
    for v_statement in
        select format('alter table %s enable trigger %I', t.tgrelid::regclass, t.tgname)
        from pg_catalog.pg_trigger as t
        inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
        inner join finance.our_schemas() as n on c.relnamespace = n.oid
        where not t.tgisinternal and t.tgenabled <> 'O'
        union all
        select format('revoke %s on %s %s from %s cascade',
            string_agg(distinct a.privilege_type, ', '),
            case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass,
            case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
        from pg_catalog.pg_class as c
        inner join finance.our_schemas() as n on c.relnamespace = n.oid
        cross join lateral (
            select c.relacl as rights
            union all
            select r.attacl from pg_catalog.pg_attribute as r where r.attrelid = c.oid
        ) as r
        cross join lateral aclexplode(r.rights) as a
        where a.grantee <> c.relowner and a.privilege_type not in ('SELECT', 'USAGE')
        group by c.oid, c.relkind, a.grantee
        union all
        select format('revoke create on schema %I from %s cascade', n.nspname,
            case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
        from finance.our_schemas() as n
        cross join lateral aclexplode(n.nspacl) as a
        where a.grantee <> n.nspowner and a.privilege_type = 'CREATE'
        and pg_get_userbyid(n.nspowner) = 'settle_owner'
    loop
        execute v_statement;
    end loop;
end;
$$;

-- dbt fills its schemas and lets nobody in; what else was granted there is taken back.
do $$
declare
    v_statement text;
begin
    for v_statement in
        select format('revoke all on schema %I from %s cascade', n.nspname,
            case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
        from pg_catalog.pg_namespace as n
        cross join lateral aclexplode(n.nspacl) as a
        where has_schema_privilege('settle_dbt', n.oid, 'create') and a.grantee <> n.nspowner
        and a.grantee not in (
            'settle_dbt'::regrole, 'settle_analyst'::regrole, 'settle_orchestrator'::regrole
        )
    loop
        execute v_statement;
    end loop;
    perform finance.make_dbt_schemas(t.target)
    from unnest(array[
        'settlement', 'asof_settlement', 'asof_base_settlement', 'asof_backtest', 'asof_backtest_2'
    ]) as t (target);
end;
$$;

-- Who may do what. Functions are closed to everybody first; each role gets what its work needs.

revoke execute on all functions in schema finance from public;
revoke execute on all functions in schema halfin from public;
revoke execute on all functions in schema portal from public;
alter default privileges for role settle_owner revoke execute on functions from public;

grant usage on schema marketplace, finance, halfin
to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;
grant select on all tables in schema marketplace, finance, halfin
to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;

-- The calendar and what a reader's view or page calls.
grant execute on function
finance.window_starts_at(timestamptz, text), finance.window_ends_at(timestamptz, text),
finance.window_label(timestamptz, text), finance.window_named(text, text),
finance.payout_due_at(timestamptz, text, date[]),
finance.as_of(text), finance.cluster_identifier(), finance.money(numeric),
finance.decimal_amount(numeric), finance.policy(text, text),
finance.wallet_account(text), finance.tron_address(text), finance.named_wallet(text),
finance.payout_status(boolean, text, boolean, boolean),
finance.ledger_kind(text, numeric, text),
finance.latest_closed_window(), finance.changed_definitions(), finance.current_holds(text), finance.current_holds(text, text),
finance.window_position(text), finance.payable(text), finance.covering_approvals(text),
finance.current_run(text), finance.payout_runs(text), finance.run_name(text, integer),
finance.failed_checks(text), finance.pause_message(), finance.payout_obstacles(text),
finance.funding(text), finance.receipt(text, text),
finance.reserve_decisions(text), finance.held_sellers(text), finance.held_digest(text, text),
finance.refused_sellers(text), finance.rest_of_refused(text), finance.node_faults(),
finance.pseudonym_of(text)
to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;

grant execute on function
finance.begin_build(text, timestamptz, text), finance.complete_build(text, text),
finance.is_flag_change(text, text, timestamptz, text, timestamptz, timestamptz),
finance.require_distributed()
to settle_dbt;

grant insert on finance.wallet_checks to settle_orchestrator;
grant insert (document) on finance.backtests to settle_orchestrator;
grant execute on function
finance.hold_lock(text), finance.take_turn(text), finance.store_close(text), finance.alert_contradictions(),
finance.has_no_attempt(text), finance.payouts_to_know(text),
finance.store_balances(bytea), finance.preflight(text, bytea), finance.ledgers_to_pay(text),
finance.freeze_batch(text, integer, text),
finance.next_call(bigint), finance.has_certain_response(bigint, integer), finance.call_body(bigint, integer),
finance.begin_attempt(bigint, integer), finance.alert_stopped(text),
finance.alert_changed_definitions(),
finance.append_response_chunk(bigint, integer, integer, bytea),
finance.end_attempt(bigint, integer, integer, integer, boolean, text),
finance.conclude_call(bigint, integer),
finance.leave_to_people(bigint),
finance.open_lookups(), finance.lookups_of_call(text), finance.record_lookup(bytea, text), finance.record_untold(text, integer), finance.ledgers_to_read(),
finance.ledger_knows(text, bytea),
finance.ledger_knows_weeks(text, bytea), finance.ledger_missing(text, bytea[]), finance.store_ledger(text, bytea[]), finance.compare_books(),
finance.raise_alert(text, text, text), finance.raise_alert_once(text, text, text),
finance.unposted_alerts(integer), finance.mark_posted(bigint),
finance.prune_raw_texts(integer, integer),
finance.claim_events(integer), finance.end_post(bigint, text), finance.unclaim_events(bigint[]),
finance.replay_events(text[])
to settle_orchestrator;

grant execute on function
finance.approve(text, text), finance.revoke_approval(text), finance.hold_seller(text, text),
finance.release_hold(text, text, text), finance.hold_sellers(jsonb, text),
finance.approve_rest(text, text, text), finance.release_sellers(text, jsonb, text), finance.release_reason(text, text, text, text),
finance.block_wallet(text, text), finance.block_wallets(jsonb, text),
finance.unblock_wallet(text, text), finance.enter_adjustment(text, bigint, text, text),
finance.approve_adjustment(bigint), finance.withdraw_adjustment(bigint),
finance.enter_adjustments(jsonb, text), finance.approve_adjustments(bigint),
finance.withdraw_adjustments(bigint),
finance.propose_policy(text, text, bigint, text), finance.confirm_policy(bigint),
finance.withdraw_policy(bigint), finance.accept_check(text, text, text),
finance.accept_seen_check(text, text, text, text),
finance.pause_payouts(text), finance.resume_payouts(text), finance.close_break(bigint, text),
finance.declare_rejected(text, text), finance.resolve_line(text, text, text, text), finance.withdraw_batch(text, text),
finance.revoke_links(text, text),
finance.propose_go_live(text, jsonb, text), finance.approve_go_live(bigint),
finance.withdraw_go_live(bigint),
finance.assign_reserve_policy(text, text, text), finance.assign_reserve_policies(jsonb, text),
finance.approve_reserve_assignment(bigint), finance.approve_reserve_assignments(bigint),
finance.withdraw_reserve_assignment(bigint), finance.withdraw_reserve_assignments(bigint),
finance.propose_erasure(text, text), finance.approve_erasure(text, text),
finance.withdraw_erasure(text)
to settle_finance;

grant usage on schema portal to settle_portal;
grant execute on all functions in schema portal to settle_portal;

grant usage on schema halfin to settle_webhook;
grant insert (signature, body) on halfin.webhook_events to settle_webhook;

-- What dbt builds reaches sellers' pages through functions of a role that can do nothing else.
set role settle_reader;
revoke execute on all functions in schema dbt_reads from public;
grant usage on schema dbt_reads to settle_portal;
grant execute on all functions in schema dbt_reads to settle_portal;
set role settle_owner;
grant usage on schema portal to settle_reader;
grant execute on function portal.seller() to settle_reader;

-- What a build hands over: dbt puts rows in, the owner uses them, and people see windows and
-- checks as the close and the gate do.
revoke execute on all functions in schema marketplace from public;
grant usage on schema handover to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;
grant select on handover.windows, handover.window_checks, handover.reserve_policies
to settle_analyst, settle_finance, settle_orchestrator;
grant select, insert on all tables in schema handover to settle_dbt;
grant truncate on handover.close_rows, handover.close_entries, handover.close_facts,
handover.close_health to settle_dbt;
grant execute on function finance.begin_handover(), finance.refuse_changed_policies(),
finance.hand_over() to settle_dbt;
grant execute on function finance.sight_wallets() to settle_orchestrator;

-- The marketplace's backend: facts as they happen, sellers as they are. A seller keeps their id:
-- payouts, holds and sightings of wallets name it.
grant usage on schema marketplace to settle_marketplace;
grant select on all tables in schema marketplace to settle_marketplace;
grant insert on marketplace.sellers to settle_marketplace;
grant update (
    display_name, region, fast_settlement, wallet_address, status, payouts_enabled, created_at,
    updated_at, payout_schedule, payout_minimum
) on marketplace.sellers to settle_marketplace;
-- Which transaction wrote a fact is the database's word.
grant insert (
    order_id, checkout_id, seller_id, currency, gross_amount, exchange_rate, ordered_at, recorded_at
) on marketplace.orders to settle_marketplace;
grant insert (fee_id, order_id, seller_id, fee_type, amount, charged_at, recorded_at)
on marketplace.order_fees to settle_marketplace;
grant insert (
    refund_id, order_id, seller_id, amount, refunded_at, recorded_at, reason, reverses_refund_id
) on marketplace.refunds to settle_marketplace;
grant insert (
    dispute_event_id, dispute_id, order_id, seller_id, event_type, amount, occurred_at, recorded_at
) on marketplace.dispute_events to settle_marketplace;
grant insert (charge_id, seller_id, charge_type, amount, charged_at, recorded_at, note)
on marketplace.seller_charges to settle_marketplace;
