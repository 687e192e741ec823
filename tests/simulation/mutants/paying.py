"""Paying it once."""

from tests.simulation.mutants.mutant import FUNCTIONS, mutant

MUTANTS = (
    mutant(
        "a line's key is made of the time",
        "same key",
        (
            f"{FUNCTIONS}/payout/freeze.sql",
            "format('settle/%s/%s/%s', i.installation_id, p_batch.payout_window,",
            "format('settle/%s/%s/%s', public.settle_now(), p_batch.payout_window,",
        ),
        seed=4,
    ),
    mutant(
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
    mutant(
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
    mutant(
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
    mutant(
        "a webhook's word is enough for money to come back",
        "books",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_source in ('lookup', 'confirmation') and p_line.returned_at is null",
            "if p_line.returned_at is null",
        ),
        seed=1,
    ),
    mutant(
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
    mutant(
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
    mutant(
        "a webhook may name another wallet",
        "webhooks",
        (
            f"{FUNCTIONS}/payout/record_payout.sql",
            "when p_payout ->> 'destination' is distinct from p_line.wallet_address",
            "when false",
        ),
        seed=4,
    ),
    mutant(
        "a failure that the rail confirms does not come back",
        "reconciled",
        (
            f"{FUNCTIONS}/payout/record_outcome.sql",
            "if p_source in ('lookup', 'confirmation') and p_line.returned_at is null",
            "if false",
        ),
        seed=1,
    ),
    mutant(
        "nobody asks about a payout that only the ledger tells of",
        "reconciled, alive",
        (
            f"{FUNCTIONS}/reconciliation/lookups.sql",
            "where e.amount < 0 and e.payout_id is not null",
            "where false",
        ),
        seed=None,
    ),
    mutant(
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
