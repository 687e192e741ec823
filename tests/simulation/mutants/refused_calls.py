"""A call of several that is refused for some of its lines."""

from tests.simulation.mutants.mutant import FUNCTIONS, mutant

MUTANTS = (
    mutant(
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
    mutant(
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
    mutant(
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
)
