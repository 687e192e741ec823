"""What the numbers mean."""

from tests.simulation.mutants.mutant import CLOSE, CORE, mutant

CLAMPED = "least(greatest(running.running_amount, 0), orders.gross_amount)"
CLAMPED_BEFORE = (
    "least(\n            greatest(running.running_amount - running.claimed_amount, 0),"
    " orders.gross_amount\n        )"
)

MUTANTS = (
    mutant(
        "a window function forgets its order",
        CLOSE,
        (
            f"{CORE}/entries/int_claims.sql",
            "partition by claims.seller_id, claims.order_id",
            "partition by claims.seller_id",
        ),
        seed=1,
    ),
    mutant(
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
    mutant(
        "a claim counts at face value",
        CLOSE,
        (
            f"{CORE}/entries/int_entries__known.sql",
            "-effective_minor as amount",
            "-claimed_amount::bigint as amount",
        ),
        seed=1,
    ),
    mutant(
        "a won dispute is given back twice",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "greatest(opened_amount - amount, 0)",
            "opened_amount - 2 * amount",
        ),
    ),
    mutant(
        "more is given back than was taken",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "greatest(opened_amount - amount, 0)",
            "opened_amount - amount",
        ),
        seed=1,
    ),
    mutant(
        "a reversal above its refund is listed with what counted",
        CLOSE,
        (
            f"{CORE}/exceptions/int_exceptions__refunds.sql",
            "cut_off_minor as amount_minor",
            "claimed_minor as amount_minor",
        ),
        seed=1,
    ),
    mutant(
        "the marketplace absorbs what came too late before the go-live",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "not timed.is_in_time and not timed.is_settled_elsewhere as is_absorbed",
            "not timed.is_in_time as is_absorbed",
        ),
    ),
    mutant(
        "late disputes take part in the clamp",
        CLOSE,
        (f"{CORE}/entries/int_claims.sql", "where is_in_time and", "where"),
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "when not is_effective or not is_in_time then",
            "when not is_effective then",
        ),
    ),
    mutant(
        "a dispute at the release counts as before it",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "occurred_at < release_at",
            "occurred_at <= release_at",
        ),
        seed=2,
    ),
    mutant(
        "a dispute at the window's end counts as before it",
        CLOSE,
        (
            f"{CORE}/facts/int_disputes.sql",
            "release_at and judged_at < paying_window_ends_at",
            "release_at and judged_at <= paying_window_ends_at",
        ),
        seed=6,
    ),
    mutant(
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
    mutant(
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
    mutant(
        "a partial loss is a whole one",
        CLOSE,
        (
            f"{CORE}/facts/int_dispute_claims.sql",
            "least(opened_amount, amount)",
            "opened_amount",
        ),
        seed=4,
    ),
    mutant(
        "a withdrawn dispute counts for health",
        CLOSE,
        (
            f"{CORE}/health/int_seller_health__sums.sql",
            "coalesce(summed.withdrawn_known_at, 'infinity')",
            "'infinity'::timestamptz",
        ),
    ),
    mutant(
        "a reversal may name another order's refund",
        CLOSE,
        (
            f"{CORE}/facts/int_refunds.sql",
            "            and paired.order_id = refunds.order_id\n",
            "",
        ),
    ),
    mutant(
        "each claim is converted on its own",
        CLOSE,
        (
            f"{CORE}/entries/int_claims.sql",
            "round((amount_after) * cents_per_unit)::bigint\n"
            "        - round((amount_before) * cents_per_unit)::bigint as effective_minor",
            "round((amount_after - amount_before) * cents_per_unit)::bigint as effective_minor",
        ),
    ),
    mutant(
        "halves are rounded to even",
        CLOSE,
        (
            f"{CORE}/facts/int_order_fees.sql",
            "round((effective.amount) * effective.cents_per_unit)::bigint as amount_minor",
            "round(((effective.amount) * effective.cents_per_unit)::float8)::bigint"
            " as amount_minor",
        ),
    ),
    mutant(
        "a tax counts as a fee",
        CLOSE,
        (
            f"{CORE}/facts/int_order_fees.sql",
            "fee_types.fee_type is not null as is_tax",
            "false as is_tax",
        ),
    ),
)
