"""Mistakes that somebody would make, planted on purpose: the right invariant must catch each.

`changes` are replacements in a file's text. Models change in the SQL that dbt compiled of them, so
the text to replace has no Jinja in it, but for the zone's placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.compiled import PLACEHOLDER_ZONE

CORE, FUNCTIONS = "models/core", "orchestrator/database/functions"
OBSTACLES = f"{FUNCTIONS}/approval/obstacles.sql"
MARKETPLACE = "models/staging/marketplace"


@dataclass(frozen=True)
class Mutant:
    """One mistake. `seed` is a history that is known to show it; others may, too. None: it is rare.

    `without` takes away constraints that would make the mistake impossible.
    """

    name: str
    changes: tuple[tuple[str, str, str], ...]
    caught_by: frozenset[str]
    seed: int | None = 0
    without: tuple[str, ...] = ()


def _mutant(
    name: str,
    caught_by: str,
    *changes: tuple[str, str, str],
    seed: int | None = 0,
    without: tuple[str, ...] = (),
) -> Mutant:
    return Mutant(name, changes, frozenset(caught_by.split(", ")), seed, without)


CLOSE = "weekly build"
CLAMPED = "least(greatest(running.running_amount, 0), orders.gross_amount)"
CLAMPED_BEFORE = (
    "least(\n            greatest(running.running_amount - running.claimed_amount, 0),"
    " orders.gross_amount\n        )"
)

MUTANTS = (
    # What the numbers mean.
    _mutant(
        "a window function forgets its order",
        CLOSE,
        (
            f"{CORE}/entries/int_claims.sql",
            "partition by claims.seller_id, claims.order_id",
            "partition by claims.seller_id",
        ),
        seed=1,
    ),
    _mutant(
        "the clamp is gone",
        CLOSE,
        (f"{CORE}/entries/int_claims.sql", CLAMPED, "running.running_amount"),
        (
            f"{CORE}/entries/int_claims.sql",
            CLAMPED_BEFORE,
            "(running.running_amount - running.claimed_amount)",
        ),
        seed=1,
    ),
    _mutant(
        "a claim counts at face value",
        CLOSE,
        (
            f"{CORE}/entries/int_entries__of_orders.sql",
            "-effective_minor as amount",
            "-claimed_amount::bigint as amount",
        ),
        seed=1,
    ),
    _mutant(
        "a won dispute is given back twice",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "greatest(opened_amount - amount, 0)",
            "opened_amount - 2 * amount",
        ),
    ),
    _mutant(
        "more is given back than was taken",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "greatest(opened_amount - amount, 0)",
            "opened_amount - amount",
        ),
        seed=1,
    ),
    _mutant(
        "late disputes take part in the clamp",
        CLOSE,
        (f"{CORE}/entries/int_claims.sql", "where is_in_time and", "where"),
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "when not is_effective or not is_in_time then",
            "when not is_effective then",
        ),
    ),
    _mutant(
        "a dispute at the release counts as before it",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "opened.occurred_at < opened.release_at",
            "opened.occurred_at <= opened.release_at",
        ),
        seed=2,
    ),
    _mutant(
        "a dispute at the window's end counts as before it",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "opened.known_at < opened.paying_window_ends_at",
            "opened.known_at <= opened.paying_window_ends_at",
        ),
        seed=6,
    ),
    _mutant(
        "a dispute is told by its id alone",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "distinct on (seller_id, order_id, dispute_id)",
            "distinct on (seller_id, dispute_id)",
        ),
        (f"{CORE}/facts/int_disputes.sql", "        order_id asc,\n", ""),
        seed=4,
    ),
    _mutant(
        "the first outcome of a dispute is kept",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "select * from final",
            "select distinct on (seller_id, order_id, dispute_id, event_type <> 'opened') *"
            " from final order by seller_id, order_id, dispute_id, event_type <> 'opened',"
            " known_at, occurred_at, dispute_event_id",
        ),
    ),
    _mutant(
        "a partial loss is a whole one",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "least(opened_amount, amount)",
            "opened_amount",
        ),
        seed=4,
    ),
    _mutant(
        "a withdrawn dispute counts for health",
        CLOSE,
        (
            f"{CORE}/health/int_seller_health__sums.sql",
            "coalesce(facts.withdrawn_known_at, 'infinity')",
            "'infinity'::timestamptz",
        ),
    ),
    _mutant(
        "a reversal may name another order's refund",
        CLOSE,
        (
            f"{CORE}/facts/int_refunds.sql",
            "            and paired.order_id = refunds.order_id\n",
            "",
        ),
    ),
    _mutant(
        "each claim is converted on its own",
        CLOSE,
        (
            f"{CORE}/entries/int_claims.sql",
            "round((amount_after) * cents_per_unit)::bigint\n"
            "        - round((amount_before) * cents_per_unit)::bigint as effective_minor",
            "round((amount_after - amount_before) * cents_per_unit)::bigint as effective_minor",
        ),
    ),
    _mutant(
        "halves are rounded to even",
        CLOSE,
        (
            f"{CORE}/facts/int_order_fees.sql",
            "round((effective.amount) * effective.cents_per_unit)::bigint as amount_minor",
            "round(((effective.amount) * effective.cents_per_unit)::float8)::bigint"
            " as amount_minor",
        ),
    ),
    _mutant(
        "a tax counts as a fee",
        CLOSE,
        (
            f"{CORE}/facts/int_order_fees.sql",
            "fee_types.fee_type is not null as is_tax",
            "false as is_tax",
        ),
    ),
    # Late facts, holdbacks, policies, go-live, sellers.
    _mutant(
        "a late fact is posted again each week",
        f"{CLOSE}, contradictions, full refresh",
        (
            f"{CORE}/facts/int_late_facts.sql",
            "close_facts.posted_at\n    from",
            "(select latest.window_ends_at from latest) as posted_at\n    from",
        ),
    ),
    _mutant(
        "a late fact belongs to the window that is closed",
        f"{CLOSE}, contradictions, full refresh",
        (f"{CORE}/facts/int_order_fees.sql", "then late.posted_at", "then null::timestamptz"),
    ),
    _mutant(
        "a holdback begins with the order",
        CLOSE,
        (
            f"{CORE}/facts/int_orders.sql",
            "release_at + holdback_period as holdback_until",
            "ordered_at + holdback_period as holdback_until",
        ),
    ),
    _mutant(
        "a reserve policy reaches back",
        CLOSE,
        (
            f"{CORE}/facts/int_reserve_assignments.sql",
            "approved_at as valid_from",
            "case when lag(approved_at) over (partition by seller_id order by approved_at) is null"
            " then '-infinity' else approved_at end as valid_from",
        ),
    ),
    _mutant(
        "a go-live drops the refunds of before",
        CLOSE,
        (
            f"{CORE}/entries/int_claims.sql",
            'from "settlement_core"."int_refunds"',
            'from (select r.* from "settlement_core"."int_refunds" as r where'
            " greatest(r.known_at, r.release_at) >= (select build.opened_at"
            ' from "settlement_core"."int_build" as build)) as kept',
        ),
        seed=0,
    ),
    _mutant(
        "the orders of a seller that is gone are lost",
        CLOSE,
        (f"{CORE}/sellers/int_sellers.sql", "where sellers.seller_id is null", "where false"),
    ),
    _mutant(
        "recorded_at is ignored",
        CLOSE,
        (
            f"{MARKETPLACE}/stg_marketplace__refunds.sql",
            "greatest(refunded_at, recorded_at)",
            "refunded_at",
        ),
        seed=1,
    ),
    _mutant(
        "an entry is available at its release, though its fact is not known yet",
        CLOSE,
        (
            f"{CORE}/entries/int_entries__known.sql",
            "greatest(known_at, release_at) as",
            "release_at as",
        ),
        seed=1,
    ),
    _mutant(
        "windows are weeks in UTC",
        CLOSE,
        (f"{CORE}/entries/int_entries.sql", PLACEHOLDER_ZONE, "UTC"),
        seed=2,
    ),
    _mutant(
        "what came back does not come back",
        CLOSE,
        (
            f"{CORE}/settlement/int_line_moves.sql",
            "where returned_at",
            "where false and returned_at",
        ),
        seed=1,
    ),
    _mutant(
        "a wallet of two sellers is nobody's business",
        "holds",
        (
            f"{CORE}/holds/int_wallets__shared.sql",
            "and mine.sighting_id > earlier.sighting_id",
            "and false",
        ),
        seed=0,
    ),
    _mutant(
        "an older order that lands late opens a window before the first close",
        "stored = oracle",
        (
            "models/core/settlement/int_windows.sql",
            "(select min(closes.window_starts_at) from closes),",
            "null,",
        ),
        seed=None,
    ),
    # What may be paid.
    _mutant(
        "the digest leaves the wallet out",
        "digest",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "|| l.rail_currency || '|' || l.wallet_address || E'\\n'",
            "|| l.rail_currency || E'\\n'",
        ),
        seed=1,
    ),
    _mutant(
        "approvals are not compared with what is ready",
        "approved",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "and not exists (\n        select l.seller_id",
            "and (true or exists (\n        select l.seller_id",
        ),
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "k.approval_id = a.approval_id\n    )\n",
            "true))\n",
        ),
        seed=8,
    ),
    _mutant(
        "one approval is always enough",
        "approved",
        (OBSTACLES, "then 2\n        else 1", "then 1\n        else 1"),
        seed=5,
    ),
    _mutant(
        "who released a seller may approve alone",
        "approved",
        (OBSTACLES, "array[x.released_by] = v_approvers", "false"),
        seed=1,
    ),
    _mutant(
        "a batch is frozen before it is due",
        "approved",
        (
            OBSTACLES,
            "public.settle_now() < v_close.payout_due_at",
            "false",
        ),
        seed=1,
    ),
    _mutant(
        "a pause stops no freeze",
        "approved",
        (
            OBSTACLES,
            "if finance.pause_message() is not null then",
            "if false then",
        ),
        seed=4,
    ),
    _mutant(
        "another run pays who has a line already",
        "digest",
        (
            f"{FUNCTIONS}/approval/runs.sql",
            "and l.seller_id = h.seller_id and l.state <> 'rejected'",
            "and false",
        ),
        seed=1,
    ),
    _mutant(
        "a person's hold after the close is not looked at",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "case when h.hold_id is not null then 'manual_review' end",
            "null",
        ),
        seed=3,
    ),
    _mutant(
        "a wallet that changed since the close is paid",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "case when a.wallet_address <> r.wallet_address then 'wallet_changed' end",
            "null",
        ),
        # The freeze has its own look, and so has the first attempt.
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            "and l.wallet_address is distinct from s.wallet_address",
            "and false",
        ),
        seed=9,
    ),
    # Paying it once.
    _mutant(
        "a line's key is made of the time",
        "same key",
        (
            f"{FUNCTIONS}/payout/freeze.sql",
            "format('settle/%s/%s/%s', i.installation_id, p_batch.payout_window,",
            "format('settle/%s/%s/%s', public.settle_now(), p_batch.payout_window,",
        ),
        seed=4,
    ),
    _mutant(
        "no answer is taken for a refusal",
        "books, paid once, reconciled",
        (
            f"{FUNCTIONS}/payout/classify_response.sql",
            "or p_attempt.http_status >= 500 then\n        return 'unknown';",
            "or p_attempt.http_status >= 500 then\n        return 'rejected';",
        ),
        (
            f"{FUNCTIONS}/payout/classify_response.sql",
            "finance.classify_attempt(a) not in ('rejected', 'not_read')",
            "false",
        ),
        (
            f"{FUNCTIONS}/payout/conclude_call.sql",
            "reject_call(v_batch, v_call, v_last.response::jsonb)",
            "reject_call(v_batch, v_call, finance.try_jsonb(v_last.response))",
        ),
        seed=2,
    ),
    _mutant(
        "each try has a key of its own",
        "same bytes, same key, intent, paid once",
        (
            f"{FUNCTIONS}/payout/calls.sql",
            "select convert_to(c.body, 'UTF8') into v_body",
            "select convert_to(replace(c.body, 'settle/', 'settle/' || (select count(*)"
            " from finance.call_attempts as t where t.batch_id = p_batch_id) || '/'), 'UTF8')"
            " into v_body",
        ),
        seed=1,
    ),
    _mutant(
        "the call goes out before it is written down",
        "intent",
        (
            "orchestrator/settlement/pay.py",
            "            sequence,\n        )\n        database.commit()\n        attempt = ",
            "            sequence,\n        )\n        attempt = ",
        ),
        (
            "orchestrator/settlement/pay.py",
            "for (piece,) in pieces]\n        database.commit()\n",
            "for (piece,) in pieces]\n",
        ),
        seed=1,
    ),
    _mutant(
        "a webhook's word is enough for money to come back",
        "books",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_source in ('lookup', 'confirmation') and p_line.returned_at is null",
            "if p_line.returned_at is null",
        ),
        seed=1,
    ),
    _mutant(
        "a webhook's payout is found by its amount",
        "webhooks, alerts",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "l.payout_id = p_payout ->> 'id'\n        or l.line_id",
            "l.amount_minor = (p_payout ->> 'amount')::numeric * 100\n        or l.line_id",
        ),
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "and case when l.payout_id is null then true else l.payout_id = p_payout ->> 'id' end",
            "and true",
        ),
        seed=8,
    ),
    _mutant(
        "nobody is told of a payout that completed after it had failed",
        "alerts",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_line.state in ('failed', 'rejected', 'returned') then\n"
            "        perform finance.raise_alert(",
            "if false then\n        perform finance.raise_alert(",
        ),
        seed=2,
    ),
    _mutant(
        "a webhook may name another wallet",
        "webhooks",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "when p_payout ->> 'destination' is distinct from p_line.wallet_address",
            "when false",
        ),
        seed=4,
    ),
    _mutant(
        "a failure that the rail confirms does not come back",
        "reconciled",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_source in ('lookup', 'confirmation') and p_line.returned_at is null",
            "if false",
        ),
        seed=1,
    ),
    _mutant(
        "nobody asks about a payout that only the ledger tells of",
        "reconciled, alive",
        (
            f"{FUNCTIONS}/reconciliation/lookups.sql",
            "where e.amount < 0 and e.payout_id is not null",
            "where false",
        ),
        seed=None,
    ),
    _mutant(
        "nobody is told that an answer is not certain",
        "alerts",
        (
            f"{FUNCTIONS}/payout/conclude_call.sql",
            "        perform finance.raise_alert(v_verdict, v_batch.payout_window,\n"
            "            finance.call_message(v_batch, v_verdict, v_last));\n",
            "",
        ),
        seed=2,
    ),
    # A call of several that is refused for some of its lines.
    _mutant(
        "a refused call can be sent again beside the one that goes on from it",
        "one call",
        (
            f"{FUNCTIONS}/payout/apply_response.sql",
            "    update finance.payout_calls set state = 'rejected'\n",
            "    update finance.payout_calls set state = case when v_others_go_on then 'unknown'"
            " else 'rejected' end\n",
        ),
        without=("drop trigger check_next_call on finance.payout_calls",),
        seed=7,
    ),
    _mutant(
        "what a refusal does not name goes into two calls",
        "one call",
        (
            f"{FUNCTIONS}/payout/calls.sql",
            "        p_batch.batch_id, p_sequence, p_refused.sequence, b.key, p_refused.path,"
            " b.body,\n"
            "        encode(sha256(convert_to(b.body, 'UTF8')), 'hex'), b.line_count\n"
            "    from bodies as b\n",
            "        p_batch.batch_id, p_sequence + g.n, p_refused.sequence, b.key || g.n,\n"
            "        p_refused.path, r.body, encode(sha256(convert_to(r.body, 'UTF8')), 'hex'),\n"
            "        b.line_count\n"
            "    from bodies as b cross join generate_series(0, 1) as g (n)\n"
            "    cross join lateral (select replace(b.body, b.key, b.key || g.n) as body) as r\n",
        ),
        (
            f"{FUNCTIONS}/payout/apply_response.sql",
            "n.follows = p_call.sequence\n",
            "n.follows = p_call.sequence limit 1\n",
        ),
        without=(
            "alter table finance.payout_calls drop constraint payout_calls_follows_once",
            "drop trigger check_lines_of_call on finance.payout_calls",
        ),
        seed=7,
    ),
    _mutant(
        "the key of a refused call is used again",
        "same bytes",
        (
            f"{FUNCTIONS}/payout/calls.sql",
            "regexp_replace(p_refused.idempotency_key, '/rest-[0-9]+$', '') || '/rest-' || 1 +"
            " coalesce(",
            "p_refused.idempotency_key || left('', coalesce(",
        ),
        (
            f"{FUNCTIONS}/payout/calls.sql",
            "(regexp_match(p_refused.idempotency_key, '/rest-([0-9]+)$'))[1]::integer, 0\n"
            "            ) as key,",
            "(regexp_match(p_refused.idempotency_key, '/rest-([0-9]+)$'))[1]::integer, 0\n"
            "            )) as key,",
        ),
        without=(
            "alter table finance.payout_calls drop constraint"
            " payout_calls_batch_id_idempotency_key_key",
        ),
        seed=7,
    ),
    # Runs, releases, what comes back.
    _mutant(
        "a second line for a seller in a window",
        "one line",
        (
            f"{FUNCTIONS}/payout/freeze.sql",
            "from finance.rows_without_line(p_batch.payout_window) as h",
            "from finance.current_holds(p_batch.payout_window) as h",
        ),
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            ") or p_batch.digest is distinct from (",
            ") and p_batch.digest is distinct from (",
        ),
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            "if not exists (\n        select from finance.batch_approvals",
            "if false and not exists (\n        select from finance.batch_approvals",
        ),
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            "if v_wrong is not null then\n        raise exception 'the line of seller",
            "if false then\n        raise exception 'the line of seller",
        ),
        without=(
            "drop index finance.payout_lines_one_standing",
            "drop index finance.payout_lines_one_key",
            "drop index finance.line_windows_one_standing",
        ),
        seed=2,
    ),
    _mutant(
        "a run is paid under the first run's approval",
        "approved",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "where a.payout_window = p_window and a.run = p_run and a.revoked_at is null",
            "where a.payout_window = p_window and a.revoked_at is null",
        ),
        without=(
            "alter table finance.batch_approvals drop constraint"
            " batch_approvals_approval_id_payout_window_run_fkey",
        ),
        seed=3,
    ),
    _mutant(
        "an approval is compared in the wrong direction",
        "approved",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "        select l.seller_id, l.net_minor, l.rail, l.rail_currency, l.wallet_address\n"
            "        from unnest(p_lines) as l\n"
            "        except\n"
            "        select k.seller_id, k.net_minor, k.rail, k.rail_currency, k.wallet_address\n"
            "        from finance.approval_lines as k where k.approval_id = a.approval_id\n",
            "        select k.seller_id, k.net_minor, k.rail, k.rail_currency, k.wallet_address\n"
            "        from finance.approval_lines as k where k.approval_id = a.approval_id\n"
            "        except\n"
            "        select l.seller_id, l.net_minor, l.rail, l.rail_currency, l.wallet_address\n"
            "        from unnest(p_lines) as l\n",
        ),
        seed=1,
    ),
    _mutant(
        "an outcome_conflict holds nobody",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "case when f.seller_id is not null then 'outcome_conflict' end",
            "null",
        ),
        seed=1,
    ),
    _mutant(
        "a return that only the ledger shows holds nobody",
        "complete",
        (
            f"{FUNCTIONS}/common/breaks_and_alerts.sql",
            "b.kind in ('returned_by_ledger', 'contrary_outcome') and",
            "b.kind = 'contrary_outcome' and",
        ),
        seed=3,
    ),
    _mutant(
        "a return that only the ledger shows is overlooked",
        "reconciled",
        (
            f"{FUNCTIONS}/reconciliation/compare_ledger.sql",
            "where g.back > 0 and g.paid - g.back < finance.decimal_amount(l.amount_minor)",
            "where false",
        ),
        seed=1,
    ),
    _mutant(
        "a return is believed without asking",
        "books",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_source = 'confirmation' and p_line.returned_at is null then",
            "if p_line.returned_at is null then",
        ),
        seed=2,
    ),
    _mutant(
        "a returned line is credited twice",
        f"{CLOSE}, contradictions",
        (
            f"{CORE}/settlement/int_line_moves.sql",
            "'came_back' as move_type,\n        amount_minor,",
            "'came_back' as move_type,\n        case line_state when 'returned' then 2 else 1 end"
            " * amount_minor as amount_minor,",
        ),
        seed=1,
    ),
    _mutant(
        "a seller is not told that a payout was returned",
        "events",
        (f"{FUNCTIONS}/outbox/tell_line.sql", "when 'returned' then 'payout.returned'\n", ""),
        seed=1,
    ),
    _mutant(
        "a state that nobody knows counts as failed",
        "books",
        (
            f"{FUNCTIONS}/reconciliation/parse_response.sql",
            "            then 'failed'\n        else 'unknown'",
            "            then 'failed'\n        else 'failed'",
        ),
        seed=1,
    ),
    _mutant(
        "nobody is told of a state that nobody knows",
        "reconciled",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "    if v_class = 'unknown' then\n        perform",
            "    if false then\n        perform",
        ),
        seed=4,
    ),
    # People's words.
    _mutant(
        "a resolution by one person twice",
        "resolved",
        (
            f"{FUNCTIONS}/payout/resolve_line.sql",
            "select distinct on (r.resolved_by) r.resolved_by, r.outcome",
            "select r.resolved_by, r.outcome",
        ),
        (
            f"{FUNCTIONS}/common/two_people.sql",
            "select distinct p.person",
            "select p.person",
        ),
        seed=4,
    ),
    _mutant(
        "one person alone resolves a line",
        "resolved",
        (f"{FUNCTIONS}/payout/resolve_line.sql", "if v_people >= 2 then", "if v_people >= 1 then"),
        seed=4,
    ),
    _mutant(
        "a line that has its outcome is decided again",
        "resolved",
        (
            f"{FUNCTIONS}/payout/resolve_line.sql",
            "if not v_is_open and not exists (",
            "if false and not exists (",
        ),
        seed=2,
    ),
    _mutant(
        "of a bad file the good rows are taken",
        "all or nothing",
        (
            f"{FUNCTIONS}/approval/many_holds.sql",
            "from finance.release_faults(p_window, p_rows) as s\n",
            "from finance.release_faults(p_window, p_rows) as s where false\n",
        ),
        seed=4,
    ),
    _mutant(
        "a release that lasts ends with its window",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "and (x.payout_window = p_window or (k.is_lasting and x.sighting_id is not null))",
            "and x.payout_window = p_window",
        ),
        seed=3,
    ),
    _mutant(
        "a wallet is blocked in one spelling only",
        "holds",
        (
            f"{CORE}/holds/int_holds.sql",
            "finance.wallet_account(attributes.wallet_address) = blocked.account",
            "attributes.wallet_address = blocked.account",
        ),
        seed=1,
    ),
    _mutant(
        "whoever blocked a wallet lifts the block",
        "blocks",
        (
            f"{FUNCTIONS}/approval/wallet_blocks.sql",
            "if v_block.blocked_by = v_person then",
            "if false then",
        ),
        without=("alter table finance.wallet_blocks drop constraint wallet_blocks_check1",),
        seed=4,
    ),
)
