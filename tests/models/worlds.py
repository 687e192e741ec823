"""Many random worlds as the facts of one database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from tests.reference.csv_files import joined
from tests.reference.facts import TABLES, Facts, GoLive
from tests.reference.world import World
from tests.simulation.databases import copy_of
from tests.simulation.lab import lab

# Finance's own rows, beside those of the source tables.
_DECISIONS = ("adjustments", "assignments")


@dataclass
class Marketplace:
    """The worlds, and one database that holds all their facts."""

    settings: Settings
    worlds: list[World]
    facts: Facts

    def add(self, facts: Facts) -> None:
        insert(self.settings, facts)
        decided = {t: getattr(self.facts, t) + getattr(facts, t) for t in _DECISIONS}
        self.facts = replace(joined(self.facts, facts), **decided)

    def go_live(self, decided: GoLive) -> None:
        with connect(self.settings, Component.OWNER) as owner:
            insert_go_live(owner, decided)
        self.facts = replace(self.facts, go_live=decided)

    def select(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.settings, Component.ORCHESTRATOR) as connection:
            return connection.execute(query.encode()).fetchall()


@contextmanager
def lived(worlds: list[World]) -> Iterator[Marketplace]:
    """Where dbt has built once, in UTC: from then on what it compiled stands in for it."""
    with copy_of(lab().home, lab().templates["UTC"]) as settings:
        yield Marketplace(settings, worlds, Facts())


def prefixed(facts: Facts, prefix: str) -> Facts:
    """The same facts of other sellers; all other ids are the sellers' own, and stay."""
    return replace(
        facts,
        **{
            table: tuple(
                replace(fact, seller_id=prefix + fact.seller_id) for fact in getattr(facts, table)
            )
            for table in (*TABLES, *_DECISIONS)
        },
    )


def together(many: Iterable[Facts]) -> Facts:
    """All facts in one; adjustments are numbered, as their table does it."""
    every = list(many)
    decided = {t: tuple(f for facts in every for f in getattr(facts, t)) for t in _DECISIONS}
    numbered = (
        replace(item, adjustment_id=str(n)) for n, item in enumerate(decided["adjustments"], 1)
    )
    return replace(joined(*every), **decided | {"adjustments": tuple(numbered)})


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
        _insert_decisions(connection, facts)


def _insert_decisions(owner: psycopg.Connection[Any], facts: Facts) -> None:
    with owner.cursor().copy(
        "copy finance.adjustments (adjustment_id, seller_id, amount_minor, reason, entered_by,"
        " entered_at, approved_by, approved_at) from stdin"
    ) as copy:
        for item in facts.adjustments:
            cents, at = int(item.amount * 100), item.approved_at
            copy.write_row(
                [item.adjustment_id, item.seller_id, cents, "a test", "ann", at, "bob", at]
            )
    with owner.cursor().copy(
        "copy finance.reserve_assignments (seller_id, policy, note, assigned_by, assigned_at,"
        " approved_by, approved_at) from stdin"
    ) as copy:
        for assigned in facts.assignments:
            at = assigned.approved_at
            copy.write_row([assigned.seller_id, assigned.policy, "a test", "ann", at, "bob", at])


def insert_go_live(owner: psycopg.Connection[Any], decided: GoLive) -> None:
    """As two people decided it before the first close."""
    [(go_live_id,)] = owner.execute(
        "insert into finance.go_lives (payout_window, starts_at, note, proposed_by, proposed_at,"
        " approved_by, approved_at) values (finance.window_label(%(at)s, 'UTC'), %(at)s,"
        " 'a test', 'ann', %(at)s, 'bob', %(at)s) returning go_live_id",
        {"at": decided.starts_at},
    )
    for balance in decided.balances:
        owner.execute(
            "insert into finance.opening_balances values (%s, %s, %s)",
            [go_live_id, balance.seller_id, int(balance.amount * 100)],
        )
