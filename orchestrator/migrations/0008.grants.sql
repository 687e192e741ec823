-- Who may do what. Functions are closed to everybody first; each role gets what its work needs.

revoke execute on all functions in schema finance from public;
revoke execute on all functions in schema halfin from public;
alter default privileges for role settle_owner revoke execute on functions from public;

grant usage on schema marketplace, finance, halfin to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;
grant select on all tables in schema marketplace, halfin to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;
grant select on all tables in schema finance to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;

-- The calendar and what a reader's view calls.
grant execute on function
finance.window_starts_at(timestamptz, text), finance.window_ends_at(timestamptz, text),
finance.window_label(timestamptz, text), finance.payout_due_at(timestamptz, text),
finance.as_of(text), finance.hold_rank(text), finance.money(numeric),
finance.latest_closed_window(), finance.current_holds(text), finance.payable(text),
finance.covering_approvals(text), finance.payout_obstacles(text)
to settle_dbt, settle_analyst, settle_finance, settle_orchestrator;

grant execute on function finance.begin_build(text, timestamptz, text), finance.complete_build(text, text)
to settle_dbt;

grant insert on finance.wallet_checks to settle_orchestrator;
grant execute on function
finance.store_close(text), finance.freeze_batch(text), finance.begin_call(bigint),
finance.record_answer(bigint, integer, text, integer, text), finance.record_lookup(bigint, text),
finance.raise_alert(text, text, text)
to settle_orchestrator;

grant execute on function
finance.approve(text, text), finance.revoke_approval(text), finance.hold_seller(text, text),
finance.release_hold(text, text, text)
to settle_finance;

grant usage on schema halfin to settle_webhook;
grant insert (signature, body) on halfin.webhook_events to settle_webhook;
