"""What is read once a window is frozen: review, export, statement, receipt, breaks."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Component
from tests.cli.people import Desk, exported, partly_paid_desk
from tests.simulation.lab import lab
from tests.support.closed_week import FINANCE, NOW, OPEN_WINDOW, SECOND, WINDOW, WINDOW_BEFORE
from tests.support.settings import at

NOTE = ("--note", "because")
DUE_NEXT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LINES = "select * from finance.payout_lines order by payout_window, seller_id"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return partly_paid_desk()


@pytest.fixture(scope="module")
def lines(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(Component.ORCHESTRATOR, LINES)


def test_review_shows_the_outcomes_of_the_batch(desk: Desk, lines: list[dict[str, Any]]) -> None:
    document = desk.json("review", WINDOW)
    batch = document["batch"]
    assert (batch["batch_id"], batch["attempt"], batch["state"]) == (1, 1, "accepted")
    assert (document["digest"], document["state"]) == (desk.digest(), "accepted")
    [call] = batch["calls"]
    assert (call["state"], call["tries"], call["rail_batch_id"]) == ("accepted", 1, "batch-1")
    counts = {o["state"]: (o["line_count"], o["came_back"]) for o in batch["outcomes"]}
    assert counts == {"completed": (1, 0), "failed": (1, 1), "submitted": (len(lines) - 2, 0)}
    assert sum(Decimal(o["total"]) for o in batch["outcomes"]) == Decimal(batch["total"])
    [left_out] = document["left_out"]
    assert left_out["reason"] == "manual_review"
    assert left_out["seller_id"] not in [line["seller_id"] for line in lines]

    assert [a["approved_by"] for a in document["approvals"]] == [FINANCE]
    history = [(a["approved_by"], a["revoked_by"]) for a in document["approval_history"]]
    assert history == [(SECOND, SECOND), (FINANCE, None)]
    [wrong] = document["breaks"]
    assert (wrong["kind"], wrong["subject"]) == ("mismatch", lines[2]["line_id"])
    [row] = desk.json("status", WINDOW)
    assert (row["left_out"], row["open_breaks"], row["paid"]) == (1, 1, 1)

    said = desk.settle.done("review", WINDOW)
    assert f"Batch 1, run 1, attempt 1: accepted, {len(lines)} lines, {batch['total']} USD" in said
    for part in ("batch-1", "Left out at the freeze (1)", "Open breaks (1)", "Approvals (2)"):
        assert part in said
    # Of a window that was never frozen there is nothing of this to say.
    before = desk.json("review", WINDOW_BEFORE)
    assert (before["batch"], before["left_out"], before["breaks"]) == (None, [], [])


def test_export_of_a_frozen_window_lists_the_frozen_lines(
    desk: Desk, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = Path(desk.settle.done("export", WINDOW, "--to", str(tmp_path)).rstrip("\n"))
    digest, found = exported(file)
    assert digest == desk.digest()
    assert [row["seller_id"] for row in found] == [line["seller_id"] for line in lines]
    assert {row["status"] for row in found} == {"paid", "failed", "submitted"}


def test_receipt_sums_to_its_line(desk: Desk, lines: list[dict[str, Any]]) -> None:
    carried = set()
    for line in lines[:4]:
        document = desk.json("receipt", WINDOW, line["seller_id"])
        assert document["line_id"] == line["line_id"]
        sums_up(document, line)
        stored = desk.rows(
            Component.ORCHESTRATOR,
            "select entry_type, source_id from finance.window_close_entries where seller_id = %s",
            line["seller_id"],
        )
        # Nothing was paid before: every entry up to this window is of this line.
        assert sorted((i["entry_type"], i["source_id"]) for i in items(document)) == sorted(
            (row["entry_type"], row["source_id"]) for row in stored
        )
        carried |= {w["entry_window"] for w in document["windows"] if w["is_carried_in"]}
    assert WINDOW_BEFORE in carried

    seller = lines[1]["seller_id"]
    said = desk.settle.done("receipt", WINDOW, seller)
    assert said.splitlines()[0].split() == [
        seller,
        WINDOW,
        document_amount(lines[1]),
        "USD",
        "failed",
    ]
    assert "failed: The network dropped it" in said
    assert said.splitlines()[-1] == f"total {document_amount(lines[1])} USD"


def items(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for window in document["windows"] for item in window["items"]]


def document_amount(line: dict[str, Any]) -> str:
    return f"{Decimal(line['amount_minor']) / 100:.2f}"


def sums_up(document: dict[str, Any], line: dict[str, Any]) -> None:
    """To the cent: items to their window, windows to the total, the total to the line."""
    for window in document["windows"]:
        assert sum(Decimal(i["amount"]) for i in window["items"]) == Decimal(window["total"])
    total = sum(Decimal(window["total"]) for window in document["windows"])
    assert f"{total:.2f}" == document["total"] == document["amount"] == document_amount(line)


def test_seller_without_a_line_has_no_receipt(desk: Desk) -> None:
    left_out = desk.json("review", WINDOW)["left_out"][0]["seller_id"]
    for seller, window in ((left_out, WINDOW), ("nobody", WINDOW), (left_out, "2026-W10")):
        assert desk.settle.refused("receipt", window, seller) == (
            f"seller {seller} has no line in {window}: nothing was frozen for them;"
            f" see settle statement {seller}"
        )


def test_statement_explains_both_balances(desk: Desk, lines: list[dict[str, Any]]) -> None:
    paid, failed, under_way = (desk.json("statement", line["seller_id"]) for line in lines[:3])
    for document in (paid, failed, under_way):
        [reserve] = desk.rows(
            Component.ORCHESTRATOR,
            "select * from settlement.seller_reserve where seller_id = %s",
            document["seller_id"],
        )
        for name in ("pending_balance", "available_balance", "in_transit", "paid_out"):
            assert document[name] == str(reserve[name]), name
        held = sum(Decimal(order["held_amount"]) for order in document["orders_in_reserve"])
        assert held == reserve["pending_balance"]
        closing = [order["dispute_window_closes_at"] for order in document["orders_in_reserve"]]
        assert closing == sorted(closing)
    assert (paid["paid_out"], paid["in_transit"]) == (document_amount(lines[0]), "0.00")
    assert under_way["in_transit"] == document_amount(lines[2])
    assert "in transit is in neither" in under_way["why_they_differ"]
    assert "in transit" not in paid["why_they_differ"]
    [payout] = [p for p in failed["payouts"] if p["payout_window"] == WINDOW]
    assert (payout["status"], payout["failure_reason"]) == ("failed", "The network dropped it")
    assert failed["payouts"][0]["payout_window"] == OPEN_WINDOW

    said = desk.settle.done("statement", lines[2]["seller_id"])
    [balances] = [line for line in said.splitlines() if line.startswith("pending ")]
    assert balances.split()[:4] == [
        *("pending", under_way["pending_balance"], "available", under_way["available_balance"])
    ]


def test_statement_shows_who_holds_the_seller(desk: Desk) -> None:
    seller = desk.json("review", WINDOW)["left_out"][0]["seller_id"]
    [hold] = desk.json("statement", seller)["holds"]
    assert (hold["reason"], hold["held_by"]) == ("manual_review", SECOND)
    assert hold["note"] == "a question about the wallet"
    assert hold["note"] in desk.settle.done("statement", seller)
    assert desk.settle.refused("statement", "nobody") == (
        "seller nobody is not known: no account and no entry has that id"
    )


def test_break_shows_its_age_and_closes_with_a_note(desk: Desk) -> None:
    later = (NOW + timedelta(days=2, hours=3)).isoformat()
    listed = desk.settle.done("breaks", "--json", SETTLE_NOW=later)
    assert listed == desk.settle.done("breaks", "list", "--json", SETTLE_NOW=later)
    [found] = json.loads(listed)
    assert (found["kind"], found["age"], found["age_hours"]) == ("mismatch", "2 d 3 h", 51)
    number = str(found["break_id"])
    assert "differs from its line in amount" in desk.settle.done("breaks")
    alerts = desk.json("alerts")
    assert [a["kind"] for a in alerts] == ["break"]
    assert "differs from its line in amount" in desk.settle.done("alerts")

    close = ("breaks", "close", number, "--note", "halfin mended its record")
    assert desk.done(FINANCE, *close) == f"ana closed break {number}.\n"
    assert desk.refused(SECOND, *close) == f"break {number} is not open: see settle breaks"
    assert desk.settle.done("breaks") == "No break is open.\n"
    [found] = desk.json("breaks", "--all")
    assert (found["state"], found["closed_by"]) == ("closed", FINANCE)
    assert found["close_note"] == "halfin mended its record"
    assert desk.json("status", WINDOW)[0]["open_breaks"] == 0


@pytest.mark.slow
def test_late_completion_is_deducted_on_the_next_receipt(desk: Desk) -> None:
    [_, line, *_] = desk.rows(Component.ORCHESTRATOR, LINES)
    seller, due = line["seller_id"], DUE_NEXT.isoformat()
    desk.looked_up(desk.payouts(**{seller: "completed"}))
    # What dbt compiles, without dbt and its graph; test_simulation.py shows the same rows.
    replace(lab().project, zone="UTC").build(at(desk.settings, DUE_NEXT))
    desk.rows(Component.ORCHESTRATOR, "select finance.store_close(%s)", OPEN_WINDOW)
    digest = json.loads(desk.settle.done("review", OPEN_WINDOW, "--json", SETTLE_NOW=due))["digest"]
    desk.done(FINANCE, "approve", OPEN_WINDOW, "--digest", digest, SETTLE_NOW=due)
    for person in (FINANCE, SECOND):  # the sample has no order of that week's end
        desk.done(person, "accept", OPEN_WINDOW, "stale_sources", *NOTE, SETTLE_NOW=due)
    desk.freeze(OPEN_WINDOW)
    document = json.loads(
        desk.settle.done("receipt", OPEN_WINDOW, seller, "--json", SETTLE_NOW=due)
    )
    [new] = [
        row
        for row in desk.rows(Component.ORCHESTRATOR, LINES)
        if (row["seller_id"], row["payout_window"]) == (seller, OPEN_WINDOW)
    ]
    sums_up(document, new)
    [back] = [item for item in items(document) if item["entry_type"] == "completed_after_all"]
    assert (back["source_id"], back["order_id"]) == (line["line_id"], None)
    assert back["amount"] == f"-{document_amount(line)}"
    # The line that came back paid nothing: its entries are here, and so is the money it moved.
    windows = [window["entry_window"] for window in document["windows"]]
    assert windows[-2:] == [WINDOW, OPEN_WINDOW]


def test_two_people_resolve_one_line() -> None:
    desk = partly_paid_desk()
    completed, failed, wrong, waits, *_ = desk.rows(Component.ORCHESTRATOR, LINES)
    said = {"returned": "it is submitted, and only what was paid can be returned"}
    for outcome in ("returned", "failed"):
        resolve = ("resolve", WINDOW, waits["seller_id"], f"--{outcome}", *NOTE)
        if outcome in said:
            assert said[outcome] in desk.refused(FINANCE, *resolve)
            continue
        for _ in range(2):
            assert desk.done(FINANCE, *resolve) == (
                f"{FINANCE} reports that the line of {waits['seller_id']} in {WINDOW} is failed;"
                " one more person who has asked halfin must confirm it.\n"
            )
        assert desk.done(SECOND, *resolve) == (
            f"2 people have asked: the line of {waits['seller_id']} in {WINDOW} is failed.\n"
        )
        assert "it is failed and has no open break: only the rail moves it" in desk.refused(
            SECOND, *resolve
        )
    for person in (FINANCE, SECOND):
        desk.done(person, "resolve", WINDOW, wrong["seller_id"], "--completed", *NOTE)
    states = {line["seller_id"]: line for line in desk.rows(Component.ORCHESTRATOR, LINES)}
    assert [states[line["seller_id"]]["state"] for line in (completed, failed, wrong, waits)] == [
        "completed",
        "failed",
        "completed",
        "failed",
    ]
    assert states[waits["seller_id"]]["returned_at"] is not None
    assert desk.settle.done("breaks") == "No break is open.\n"
    nobody = desk.refused(FINANCE, "resolve", WINDOW, "seller-x", "--failed", *NOTE)
    assert nobody == f"seller seller-x has no line in {WINDOW}: nothing to resolve"
