"""Late facts, holdbacks, policies, go-live, sellers."""

from tests.simulation.compiled import PLACEHOLDER_ZONE
from tests.simulation.mutants.mutant import CLOSE, CORE, MARKETPLACE, mutant

MUTANTS = (
    mutant(
        "a late fact is posted again each week",
        f"{CLOSE}, contradictions, full refresh",
        (
            f"{CORE}/facts/int_late_facts.sql",
            "close_facts.posted_at\n    from",
            "(select latest.window_ends_at from latest) as posted_at\n    from",
        ),
    ),
    mutant(
        "a late fact belongs to the window that is closed",
        f"{CLOSE}, contradictions, full refresh",
        (f"{CORE}/facts/int_order_fees.sql", "then late.posted_at", "then null::timestamptz"),
    ),
    mutant(
        "a holdback begins with the order",
        CLOSE,
        (
            f"{CORE}/facts/int_orders.sql",
            "release_at + holdback_period as holdback_until",
            "ordered_at + holdback_period as holdback_until",
        ),
    ),
    mutant(
        "a reserve policy reaches back",
        CLOSE,
        (
            f"{CORE}/facts/int_reserve_assignments.sql",
            "approved_at as valid_from",
            "case when lag(approved_at) over (partition by seller_id order by approved_at) is null"
            " then '-infinity' else approved_at end as valid_from",
        ),
    ),
    mutant(
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
    mutant(
        "the orders of a seller that is gone are lost",
        CLOSE,
        (f"{CORE}/sellers/int_sellers.sql", "where sellers.seller_id is null", "where false"),
    ),
    mutant(
        "recorded_at is ignored",
        CLOSE,
        (
            f"{MARKETPLACE}/stg_marketplace__refunds.sql",
            "greatest(refunded_at, recorded_at) as known_at",
            "refunded_at as known_at",
        ),
        seed=1,
    ),
    mutant(
        "an order of a mistyped year counts",
        CLOSE,
        (
            f"{CORE}/facts/int_orders.sql",
            "when candidates.is_misdated then 'invalid_instant'",
            "when false then 'invalid_instant'",
        ),
    ),
    mutant(
        "an entry is available at its release, though its fact is not known yet",
        CLOSE,
        (
            f"{CORE}/entries/int_entries__known.sql",
            "greatest(known_at, release_at) as",
            "release_at as",
        ),
        seed=1,
    ),
    mutant(
        "windows are weeks in UTC",
        CLOSE,
        (f"{CORE}/entries/int_entries.sql", PLACEHOLDER_ZONE, "UTC"),
        seed=2,
    ),
    mutant(
        "what came back does not come back",
        CLOSE,
        (
            f"{CORE}/settlement/int_line_moves.sql",
            "where returned_at",
            "where false and returned_at",
        ),
        seed=1,
    ),
    mutant(
        "a wallet of two sellers is nobody's business",
        "holds",
        (
            f"{CORE}/holds/int_wallets__shared.sql",
            "and mine.sighting_id > earlier.sighting_id",
            "and false",
        ),
        seed=0,
    ),
    mutant(
        "an older order that lands late opens a window before the first close",
        "stored = oracle",
        (
            "models/core/settlement/int_windows.sql",
            "(select min(closes.window_starts_at) from closes),",
            "null,",
        ),
        seed=None,
    ),
)
