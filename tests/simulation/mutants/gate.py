"""What may be paid."""

from tests.simulation.mutants.mutant import FUNCTIONS, OBSTACLES, ONLY_APPROVER, mutant

MUTANTS = (
    mutant(
        "the digest leaves the wallet out",
        "digest",
        (
            f"{FUNCTIONS}/approval/digest.sql",
            "|| l.rail_currency || '|' || l.wallet_address || E'\\n'",
            "|| l.rail_currency || E'\\n'",
        ),
        seed=1,
    ),
    mutant(
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
    mutant(
        "one approval is always enough",
        "approved",
        (OBSTACLES, "then 2\n        else 1", "then 1\n        else 1"),
        seed=5,
    ),
    mutant(
        "who released a seller may approve alone",
        "approved",
        (ONLY_APPROVER, "x.released_by = p_approver", "false"),
        (
            ONLY_APPROVER,
            "select from finance.seller_holds as k",
            "select from (select * from finance.seller_holds where false) as k",
        ),
        seed=1,
    ),
    mutant(
        "a batch is frozen before it is due",
        "approved",
        (
            OBSTACLES,
            "public.settle_now() < v_close.payout_due_at",
            "false",
        ),
        seed=1,
    ),
    mutant(
        "a pause stops no freeze",
        "approved",
        (
            OBSTACLES,
            "if finance.pause_message() is not null then",
            "if false then",
        ),
        seed=4,
    ),
    mutant(
        "another run pays who has a line already",
        "digest",
        (
            f"{FUNCTIONS}/approval/runs.sql",
            "and l.seller_id = h.seller_id and l.state <> 'rejected'",
            "and false",
        ),
        seed=1,
    ),
    mutant(
        "a person's hold after the close is not looked at",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "case when h.hold_id is not null then 'manual_review' end",
            "null",
        ),
        seed=3,
    ),
    mutant(
        "a wallet that changed since the close is paid",
        "complete",
        (
            f"{FUNCTIONS}/approval/current_holds.sql",
            "case when s.wallet_now <> r.wallet_address then 'wallet_changed' end",
            "null",
        ),
        # The freeze has its own look, and so has the first attempt.
        (
            f"{FUNCTIONS}/payout/check_batch.sql",
            "and (l.wallet_address is distinct from n.wallet_now or s.seller_id is null)",
            "and false",
        ),
        seed=9,
    ),
)
