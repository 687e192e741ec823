"""Many random worlds as the facts of one database."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from tests.reference.facts import Facts
from tests.reference.olist import TABLES
from tests.reference.world import World

_IDS = ("seller_id", "order_id", "checkout_id", "fee_id", "refund_id", "dispute_event_id")


@dataclass
class Marketplace:
    """The worlds, and one database that holds all their facts."""

    settings: Settings
    worlds: list[World]
    facts: Facts

    def add(self, facts: Facts) -> None:
        insert(self.settings, facts)
        self.facts = replace(
            self.facts,
            **{t: getattr(self.facts, t) + getattr(facts, t) for t in (*TABLES, "adjustments")},
        )

    def select(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.settings, Component.ORCHESTRATOR) as connection:
            return connection.execute(query.encode()).fetchall()


def prefixed(facts: Facts, prefix: str) -> Facts:
    """The same facts under ids of their own; which id comes first is as it was."""
    names = (*_IDS, "dispute_id")
    return replace(
        facts,
        **{
            table: tuple(
                replace(fact, **{n: prefix + getattr(fact, n) for n in names if hasattr(fact, n)})
                for fact in getattr(facts, table)
            )
            for table in (*TABLES, "adjustments")
        },
    )


def together(many: Iterable[Facts]) -> Facts:
    """All facts in one; adjustments are numbered, as their table does it."""
    every = list(many)
    merged = Facts(**{t: tuple(f for facts in every for f in getattr(facts, t)) for t in TABLES})
    adjustments = (item for facts in every for item in facts.adjustments)
    numbered = (replace(item, adjustment_id=str(n)) for n, item in enumerate(adjustments, start=1))
    return replace(merged, adjustments=tuple(numbered))


def insert(settings: Settings, facts: Facts) -> None:
    """Straight into the tables: the loader would refuse the bad ones."""
    with connect(settings, Component.OWNER) as connection:
        for table, kind in TABLES.items():
            columns = [item.name for item in fields(kind)]
            query = f"copy marketplace.{table} ({', '.join(columns)}) from stdin"
            with connection.cursor().copy(query.encode()) as copy:
                for fact in getattr(facts, table):
                    copy.write_row([getattr(fact, column) for column in columns])
            connection.execute(f"analyze marketplace.{table}".encode())  # as the loader does
        with connection.cursor().copy(
            "copy finance.adjustments (adjustment_id, seller_id, amount_minor, reason, entered_by,"
            " entered_at, approved_by, approved_at) from stdin"
        ) as copy:
            for item in facts.adjustments:
                cents, at = int(item.amount * 100), item.approved_at
                copy.write_row(
                    [item.adjustment_id, item.seller_id, cents, "a test", "ann", at, "bob", at]
                )
