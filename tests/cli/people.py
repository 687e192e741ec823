"""`settle` at the desks of several people, on a copy of the closed week."""

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from tests.support.closed_week import (
    FINANCE,
    SECOND,
    WINDOW,
    ClosedWeek,
    closed_week,
    environment_of,
)
from tests.support.ledgers import LEDGERS_READ
from tests.support.shell import Shell, ShellInProcess

UNKNOWN = (0, b"")  # the call had no answer


@dataclass(frozen=True)
class Desk:
    """People sign in with their own passwords; what no verb does yet is done in SQL."""

    week: ClosedWeek
    settings: Settings

    @property
    def settle(self) -> Shell:
        return ShellInProcess(self.settings.home, **environment_of(self.settings))

    def password(self, name: str) -> dict[str, str]:
        return {"SETTLE_PASSWORD": self.week.server.password(name)}

    def done(self, name: str, *arguments: str, **environment: str) -> str:
        """What a person did; returns what was printed."""
        environment |= self.password(name)
        return self.settle.done(*arguments, "--as", name, **environment)

    def refused(self, name: str, *arguments: str) -> str:
        return self.settle.refused(*arguments, "--as", name, **self.password(name))

    def json(self, *arguments: str) -> Any:
        return json.loads(self.settle.done(*arguments, "--json"))

    def digest(self, window: str = WINDOW) -> str:
        return str(self.json("review", window)["digest"])

    def rows(self, component: Component, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with connect(self.settings, component) as database:
            return rows(database, query, *parameters)

    def approve(self, name: str = FINANCE) -> None:
        self.done(name, "approve", WINDOW, "--digest", self.digest())

    def freeze(self, window: str = WINDOW) -> None:
        with connect(self.settings, Component.OWNER) as owner:
            owner.execute(LEDGERS_READ)
        self.rows(Component.ORCHESTRATOR, "select finance.freeze_batch(%s)", window)

    def answered(self, http_status: int, response: bytes) -> None:
        """What the first call of the first batch was answered."""
        with connect(self.settings, Component.ORCHESTRATOR) as database:
            for query, *values in (
                ("select finance.begin_attempt(1, 1)",),
                ("select finance.append_response_chunk(1, 1, 1, %s)", response),
                ("select finance.end_attempt(1, 1, 1, %s, true, null)", http_status),
                ("select finance.conclude_call(1, 1)",),
            ):
                database.execute(query.encode(), values)

    def payouts(self, **of_sellers: str) -> list[dict[str, Any]]:
        """The first batch as the rail would show it; sellers' statuses by name, else processing."""
        lines = self.rows(
            Component.ORCHESTRATOR,
            "select *, (amount_minor / 100.0)::numeric(30, 6)::text as amount"
            " from finance.payout_lines where batch_id = 1 order by seller_id",
        )
        return [
            {
                "id": f"payout-{line['seller_id']}",
                "status": of_sellers.get(line["seller_id"], "processing"),
                "currency": line["rail_currency"],
                "amount": line["amount"],
                "destination": line["wallet_address"],
                "environment": "test",
                "idempotency_key": line["idempotency_key"],
                "failure_reason": "The network dropped it",
            }
            for line in lines
        ]

    def looked_up(self, payouts: list[dict[str, Any]]) -> None:
        """What the rail said when it was asked."""
        body = json.dumps({"data": {"id": "batch-1", "payouts": payouts}}).encode()
        self.rows(Component.ORCHESTRATOR, "select finance.record_lookup(%s)", body)


def accepted(payouts: list[dict[str, Any]]) -> tuple[int, bytes]:
    """The rail's answer to a batch that it took."""
    return 201, json.dumps({"data": {"id": "batch-1", "payouts": payouts}}).encode()


def open_desk() -> Desk:
    """On a copy of its own."""
    week = closed_week()
    return Desk(week, week.copy())


def partly_paid_desk() -> Desk:
    """Frozen without one line that somebody held after the approval; one line completed, one
    failed and confirmed, one that the rail speaks of with another amount."""
    desk = open_desk()
    desk.approve(SECOND)
    desk.done(SECOND, "revoke", WINDOW)
    desk.approve(FINANCE)
    left_out, *_ = ready_sellers(desk)
    desk.done(SECOND, "hold", left_out, "--note", "a question about the wallet")
    desk.freeze()
    completed, failed, wrong, *_ = [p["id"].removeprefix("payout-") for p in desk.payouts()]
    desk.answered(*accepted(desk.payouts()))
    said = desk.payouts(**{completed: "completed", failed: "failed", wrong: "completed"})
    said[2]["amount"] = "0.010000"
    desk.looked_up(said)
    return desk


def ready_sellers(desk: Desk) -> list[str]:
    query = (
        "select seller_id from settlement.seller_settlement"
        " where payout_window = %s and status = 'ready' order by seller_id"
    )
    return [row["seller_id"] for row in desk.rows(Component.ORCHESTRATOR, query, WINDOW)]


def exported(file: Path) -> tuple[str, list[dict[str, str]]]:
    """The digest, read once more from the cells of an export; and its rows."""
    with file.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    total = sum(Decimal(row["net"]) for row in found)
    text = f"v2|{WINDOW}|{found[0]['run'] if found else 1}|USD|{len(found)}|{total:.2f}\n"
    for row in sorted(found, key=lambda row: row["seller_id"].encode()):
        text += f"{row['seller_id']}|{row['net']}|{row['rail']}|"
        text += f"{row['rail_currency']}|{row['wallet_address']}\n"
    return sha256(text.encode()).hexdigest(), found
