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
    """One mistake. `seed` is a history that is known to show it; others may, too."""

    name: str
    changes: tuple[tuple[str, str, str], ...]
    caught_by: frozenset[str]
    seed: int = 0


def _mutant(name: str, caught_by: str, *changes: tuple[str, str, str], seed: int = 0) -> Mutant:
    return Mutant(name, changes, frozenset(caught_by.split(", ")), seed)


CLOSE = "weekly build"
CLAMPED = "greatest(0, least(running.running_minor, orders.gross_minor))"
CLAMPED_BEFORE = (
    "greatest(0, least(running.running_minor - running.claimed_minor, orders.gross_minor))"
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
        (f"{CORE}/entries/int_claims.sql", CLAMPED, "running.running_minor"),
        (
            f"{CORE}/entries/int_claims.sql",
            CLAMPED_BEFORE,
            "(running.running_minor - running.claimed_minor)",
        ),
        seed=1,
    ),
    _mutant(
        "a claim counts at face value",
        CLOSE,
        (
            f"{CORE}/entries/int_entries__known.sql",
            "-effective_minor as amount",
            "-claimed_minor as amount",
        ),
        seed=1,
    ),
    _mutant(
        "a won dispute is given back twice",
        CLOSE,
        (f"{CORE}/entries/int_claims.sql", "-given_back_minor as", "-2 * given_back_minor as"),
    ),
    _mutant(
        "more is given back than was taken",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "least(outcomes.amount_minor, opened.amount_minor)",
            "outcomes.amount_minor",
        ),
        seed=3,
    ),
    _mutant(
        "late disputes take part in the clamp",
        CLOSE,
        (f"{CORE}/entries/int_claims.sql", "where is_in_time", "where true"),
    ),
    _mutant(
        "a dispute at the release counts as before it",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "opened.occurred_at < orders.release_at",
            "opened.occurred_at <= orders.release_at",
        ),
        seed=2,
    ),
    _mutant(
        "a dispute at the window's end counts as before it",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "opened.known_at < orders.paying_window_ends_at",
            "opened.known_at <= orders.paying_window_ends_at",
        ),
        seed=6,
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
        (f"{CORE}/entries/int_entries__known.sql", "greatest(known_at, release_at)", "release_at"),
        seed=1,
    ),
    _mutant(
        "windows are weeks in UTC",
        CLOSE,
        (f"{CORE}/entries/int_entries.sql", PLACEHOLDER_ZONE, "UTC"),
        seed=2,
    ),
    _mutant(
        "a weekly build forgets the refunds of old orders",
        f"{CLOSE}, full refresh",
        (f"{CORE}/facts/int_orders__touched.sql", "select order_id from refunded", "select null"),
        seed=2,
    ),
    _mutant(
        "what came back does not come back",
        CLOSE,
        (f"{CORE}/settlement/int_line_moves.sql", "where returned_at is not null", "where false"),
        seed=1,
    ),
    _mutant(
        "a wallet of two sellers is nobody's business",
        "holds",
        (
            f"{CORE}/holds/int_wallets.sql",
            "partition by accounts.wallet_address) > 1",
            "partition by accounts.wallet_address) > 2",
        ),
        seed=5,
    ),
    _mutant(
        "an older order that lands late opens a window before the first close",
        "stored = oracle",
        ("models/core/settlement/int_windows.sql", "closes.first_starts_at,", "null,"),
        seed=84,
    ),
    # What may be paid.
    _mutant(
        "the digest leaves the wallet out",
        "digest",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "|| l.rail || '|'\n            || l.wallet_address || E'\\n'",
            "|| l.rail || E'\\n'",
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
        (OBSTACLES, "then 2 else 1 end", "then 1 else 1 end"),
        seed=14,
    ),
    _mutant(
        "who released a seller may approve alone",
        "approved",
        (OBSTACLES, "array[x.released_by] = v_approvers", "false"),
        seed=18,
    ),
    _mutant(
        "a batch is frozen before it is due",
        "approved",
        (
            OBSTACLES,
            "public.settle_now() < v_close.payout_due_at",
            "false",
        ),
        seed=9,
    ),
    _mutant(
        "a pause stops no freeze",
        "approved",
        (
            OBSTACLES,
            "if finance.pause_message() is not null then",
            "if false then",
        ),
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
        (f"{FUNCTIONS}/payout/record_outcome.sql", "if p_source = 'lookup' and", "if true and"),
        seed=1,
    ),
    _mutant(
        "a webhook's payout is found by its amount",
        "webhooks, alerts",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "where l.payout_id = p_payout ->> 'id'\n",
            "where l.amount_minor = (p_payout ->> 'amount')::numeric * 100\n",
        ),
        seed=4,
    ),
    _mutant(
        "nobody is told of a payout that completed after it had failed",
        "alerts",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_line.state in ('failed', 'rejected') then\n        perform finance.raise_alert(",
            "if false then\n        perform finance.raise_alert(",
        ),
        seed=1,
    ),
    _mutant(
        "a webhook may name another wallet",
        "webhooks",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "when p_payout ->> 'destination' is distinct from p_line.wallet_address",
            "when false",
        ),
        seed=7,
    ),
    _mutant(
        "a failure that the rail confirms does not come back",
        "reconciled",
        (f"{FUNCTIONS}/payout/record_outcome.sql", "if p_source = 'lookup' and", "if false and"),
        seed=1,
    ),
    _mutant(
        "nobody asks about a payout that only the ledger tells of",
        "reconciled, alive",
        (
            f"{FUNCTIONS}/reconciliation/lookups.sql",
            "where e.entry_type = 'payout' and e.payout_id is not null",
            "where false",
        ),
        seed=10,
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
)
