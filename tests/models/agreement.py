"""The two sides of test_agreement.py: rows of the oracle and rows of the SQL, in one shape.

A side is a mapping of a view's name to its rows, each a tuple. Money is in cents.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, LiteralString

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from tests.reference import model

Rows = Counter[tuple[Any, ...]]
Sides = dict[str, Rows]

# What the reading calls by other names than the SQL does, and tells apart where the SQL does not.
REASONS = {
    "amount_zero": "invalid_amount",
    "claim_clamped": "claim_above_gross",
    "fee_credit_above_fees": "fee_credits_above_fees",
    "reverses_a_reversal": "reversal_without_refund",
    "reverses_refund_of_other_order": "reversal_without_refund",
    "reverses_refund_without_effect": "reversal_without_refund",
    "reverses_unknown_refund": "reversal_without_refund",
}
ENTRY_TYPES = {"reversal": "refund_reversed"}

# What the views of the SQL hold, in the shape of `oracle`; {0} is the schema.
_QUERIES: dict[str, LiteralString] = {
    "settlement": """
        select seller_id, payout_window, gross, fees, taxes, refunds, disputes, charges,
            adjustments, carried_forward, net, rail, order_count, window_starts_at,
            window_ends_at, status = 'open'
        from {0}.seller_settlement""",
    "health": """
        select seller_id, trailing_30d_gross, trailing_30d_fees, trailing_30d_disputes,
            health_score::text, dispute_rate::text, refund_rate::text, spike_ratio::text,
            needs_review, review_reasons, as_of
        from {0}.seller_health""",
    "reserve": """
        select seller_id, pending_balance, available_balance, disputed_amount, next_release_at,
            next_release_amount
        from {0}.seller_reserve""",
    "order_reserve": """
        select order_id, seller_id, held_amount, dispute_window_closes_at, held_back,
            held_back_until
        from {0}.order_reserve""",
    "entries": """
        select entry_type, source_id, order_id, seller_id, amount_minor::text, occurred_at,
            known_at, available_at
        from {0}.entries""",
    "exceptions": """
        select source_table, seller_id, source_id, reason, is_without_effect,
            case when reason ~ '_above_' then abs(amount) end
        from {0}.data_exceptions where reason <> 'contradicted_close'""",
    "late_disputes": """
        select payout_window, absorbed_disputes from {0}.window_summary
        where absorbed_disputes <> 0""",
    "booked_disputes": """
        select period, absorbed_disputes from {0}.liability_rollforward
        where period_type = 'window' and absorbed_disputes <> 0""",
}


def sql(settings: Settings, schema: str) -> Sides:
    """The rows of the SQL, of the live schemas or those of an instant."""
    with connect(settings, Component.ORCHESTRATOR) as connection:
        connection.execute("set local enable_nestloop = off")  # each view whole, not by order
        return read(connection, schema)


def read(connection: psycopg.Connection[Any], schema: str) -> Sides:
    """The same as this connection sees it."""
    return {
        view: rows(connection.execute(query.format(schema).encode()))
        for view, query in _QUERIES.items()
    }


def rows(found: Iterable[tuple[Any, ...]]) -> Rows:
    """Rows of the database in the shape of the oracle's; every decimal is money."""
    return Counter(tuple([_plain(value) for value in row]) for row in found)


def oracle(ledger: model.Ledger) -> Sides:
    """The rows of the reference."""
    return {view: Counter(read(ledger)) for view, read in _READERS.items()}


def settlement_rows(ledger: model.Ledger) -> list[tuple[Any, ...]]:
    return [
        (
            r.seller_id,
            r.payout_window,
            r.gross,
            r.fees,
            r.taxes,
            r.refunds,
            r.disputes,
            r.charges,
            r.adjustments,
            r.carried_forward,
            r.net,
            r.rail,
            r.order_count,
            r.window_starts_at,
            r.window_ends_at,
            r.is_open,
        )
        for r in model.settlement_rows(ledger)
    ]


def health_rows(ledger: model.Ledger) -> list[tuple[Any, ...]]:
    def shown(value: Fraction | None) -> str | None:
        return None if value is None else str(model.round_half_away(value, 4))

    return [
        (
            r.seller_id,
            r.trailing_30d_gross,
            r.trailing_30d_fees,
            r.trailing_30d_disputes,
            str(r.health_score),
            shown(r.dispute_rate),
            shown(r.refund_rate),
            shown(r.spike_ratio),
            r.needs_review,
            r.review_reasons,
            r.as_of,
        )
        for r in model.health_rows(ledger)
    ]


def _reserve(ledger: model.Ledger) -> list[tuple[Any, ...]]:
    return [
        (
            r.seller_id,
            r.pending_balance,
            r.available_balance,
            r.disputed_amount,
            r.next_release_at,
            r.next_release_amount,
        )
        for r in model.reserve_rows(ledger)
    ]


def _order_reserve(ledger: model.Ledger) -> list[tuple[Any, ...]]:
    return [
        (r.order_id, r.seller_id, r.held_minor, r.release_at, r.holdback_minor, r.holdback_until)
        for r in model.order_reserve_rows(ledger)
    ]


def _entries(ledger: model.Ledger) -> list[tuple[Any, ...]]:
    return [
        (
            ENTRY_TYPES.get(e.kind, e.kind),
            e.source_id,
            e.order_id,
            e.seller_id,
            str(e.amount_minor),
            e.occurred_at,
            e.known_at,
            e.available_at,
        )
        for e in ledger.entries
    ]


def _exceptions(ledger: model.Ledger) -> set[tuple[Any, ...]]:
    """Fee credits are one row per order in the SQL. Of what was cut off, how much."""
    return {
        (
            row.table,
            row.seller_id,
            row.order_id if row.reason == "fee_credit_above_fees" else row.id,
            (reason := REASONS.get(row.reason, row.reason)),
            not row.has_effect,
            row.amount_minor if "_above_" in reason else None,
        )
        for row in model.all_exceptions(ledger)
    }


def _late_disputes(ledger: model.Ledger) -> list[tuple[Any, ...]]:
    sums: dict[str, int] = defaultdict(int)
    for row in model.late_dispute_rows(ledger):
        sums[row.payout_window] += row.amount_minor
    return [(window, amount) for window, amount in sums.items() if amount]


_READERS: dict[str, Callable[[model.Ledger], Iterable[tuple[Any, ...]]]] = {
    "settlement": settlement_rows,
    "health": health_rows,
    "reserve": _reserve,
    "order_reserve": _order_reserve,
    "entries": _entries,
    "exceptions": _exceptions,
    "late_disputes": _late_disputes,
    "booked_disputes": _late_disputes,
}


def compare(found: Sides, expected: Sides, what: str) -> int:
    """Fails with the first rows that differ; returns how many rows were compared."""
    for view, own in expected.items():
        mine = found[view]
        if view == "exceptions":
            mine, own = _without_waiting(mine, own)
        wrong, missing = sorted_rows(mine - own), sorted_rows(own - mine)
        shown = [f"  sql    {row}" for row in wrong[:5]]
        shown += [f"  oracle {row}" for row in missing[:5]]
        assert not shown, "\n".join(
            [f"{what}: {view}: {len(wrong)} rows only in the SQL, {len(missing)} only here", *shown]
        )
    return sum(own.total() for own in expected.values())


# What may be listed as posted or not: whether it came late itself makes no difference to a figure.
_MAYBE_POSTED = {"posted_with_another", "posted_and_bad"}


def _without_waiting(mine: Rows, own: Rows) -> tuple[Rows, Rows]:
    """What was committed late, and would have been known after the close anyway, is listed by the
    SQL, too: the reading has only what it moves, and that must be listed."""
    maybe = Counter({row: count for row, count in own.items() if _MAYBE_POSTED & set(row)})
    listed = {tuple("posted_late" if v in _MAYBE_POSTED else v for v in row) for row in maybe}
    more = {row for row in mine - own if "posted_late" in row}
    return mine - Counter(listed | more), own - maybe


def sorted_rows(rows: Rows) -> list[tuple[Any, ...]]:
    return sorted(rows.elements(), key=repr)


def _plain(value: object) -> object:
    if type(value) is Decimal:
        return int(value * 100)
    return tuple(value) if type(value) is list else value
