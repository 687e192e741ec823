"""What people read on the graph: tables of a close and of a payout. SQL computes each figure."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.defs.markdown import cell, table

# What one event of Dagster's log carries; settle review and settle sql have all of it. Its page
# shows up to 1,000 characters at once and the rest when somebody clicks.
MOST_ROWS = 25
CLOSE_TABLES = {
    "weeks": "close/last_12",
    "totals_by_rail": "close/by_rail",
    "flags_by_reason": "close/flag_reasons",
    "data_exceptions": "close/exceptions",
    "checks": "window/checks",
}
# The window as it is now: one query with several tables in it.
POSITIONS = "window/positions"
POSITION_TABLES = {
    "sellers_by_status": "statuses",
    "holds_by_reason": "holds",
    "flagged_sellers": "flagged",
    "changed_wallets": "changed_wallets",
}
PAYOUT_TABLES = {
    "runs": "payout/runs",
    "outcomes": "payout/outcomes",
    "calls": "payout/calls",
    "left_out": "payout/left_out",
}

OPEN_BREAKS = "reconciliation/open_breaks_by_kind"
WAITING = "reconciliation/lines_without_outcome"

Metadata = dict[str, Any]  # what dagster takes as metadata; it does not export the type


def close_report(settings: Settings, window: str) -> Metadata:
    """What finance reviews of a stored close."""
    found = _read(settings, window, "close/totals", POSITIONS, *CLOSE_TABLES.values())
    [positions] = found[POSITIONS]
    totals = found["close/totals"][0] | positions
    tables = {name: table(found[query], MOST_ROWS) for name, query in CLOSE_TABLES.items()}
    tables |= {name: table(positions[key], MOST_ROWS) for name, key in POSITION_TABLES.items()}
    report: Metadata = {"review": dg.MetadataValue.md(_headline(totals)), **tables}
    if totals["digest"]:
        report["funding"] = table(totals["funding"])
        report["digest"] = totals["digest"]
        report["what_next"] = dg.MetadataValue.md(_what_next(totals))
    report["page"] = dg.MetadataValue.url(f"{settings.pages_url}/desk/windows/{window}")
    report |= {
        "payout_window": window,
        # Numbers: Dagster plots them over the windows.
        "new_cents": totals["new_cents"],
        "to_pay_cents": totals["to_pay_cents"],
        "lines": totals["line_count"],
        "flagged": totals["flagged_count"],
    }
    return report


def payout_report(settings: Settings, window: str) -> Metadata:
    """The state of a window's latest batch; empty where nothing was frozen."""
    found = _read(settings, window, "payout/batch", POSITIONS, *PAYOUT_TABLES.values())
    if not found["payout/batch"]:
        return {}
    [batch] = found["payout/batch"]
    note = f": {batch['state_note']}" if batch["state_note"] else ""
    headline = (
        f"**Batch {batch['batch_id']} of {batch['name']} is {batch['state']}**{cell(note)}. It pays"
        f" {cell(batch['line_count'])} sellers {cell(batch['total'])} {batch['currency']};"
        f" frozen {cell(batch['frozen_at'])}, answered {cell(batch['answered_at']) or 'not yet'}."
    )
    return {
        "payout": dg.MetadataValue.md(headline),
        **{name: table(found[query], MOST_ROWS) for name, query in PAYOUT_TABLES.items()},
        "approvals": table(found[POSITIONS][0]["approvals"]),
        "payout_window": window,
        "state": batch["state"],
        "run": batch["run"],
        "batch_id": batch["batch_id"],
        "digest": batch["digest"],
    }


def approvals_report(settings: Settings, window: str) -> Metadata:
    """Who approved the window, by name."""
    [positions] = _read(settings, window, POSITIONS)[POSITIONS]
    return {"approvals": table(positions["approvals"]), "payout_window": window}


def reconcile_report(settings: Settings) -> Metadata:
    """What is open between the rail and us."""
    found = _read(settings, "", OPEN_BREAKS, WAITING)
    return {
        "open_breaks": table(found[OPEN_BREAKS]),
        "without_outcome": table(found[WAITING]),
    }


def _headline(totals: Mapping[str, Any]) -> str:
    pay = (
        f"**{cell(totals['line_count'])} sellers, {cell(totals['total'])} {totals['currency']}**"
        f" to pay, due {totals['payout_due']}."
        if totals["digest"]
        else f"{cell(totals['seller_count'])} sellers; what was left has moved on."
    )
    return "\n".join(
        (
            f"{pay}\n",
            "| | |",
            "|---|--:|",
            f"| New in {totals['payout_window']} | {cell(totals['new'])} |",
            f"| Last week | {_compared(totals, 'new_last_week', 'change_on_last_week_pct')} |",
            f"| Mean of the 4 weeks before | "
            f"{_compared(totals, 'mean_of_4_weeks', 'change_on_mean_pct')} |",
            f"| Carried in | {cell(totals['carried_forward'])} |",
            f"| Orders | {cell(totals['order_count'])} |",
            f"| Late disputes the marketplace bears | {cell(totals['absorbed_disputes'])} |",
            f"| Facts of closed windows that came late | {cell(totals['posted_late'])} |",
            f"| Flagged | {cell(totals['flagged_count'])} of {cell(totals['health_count'])}"
            f" sellers, {cell(totals['flagged_pct']) or '0'} % |",
        )
    )


def _compared(totals: Mapping[str, Any], value: str, percent: str) -> str:
    if totals[value] is None:
        return "none"
    change = totals[percent]
    return cell(totals[value]) + (f" ({change:+} %)" if change is not None else "")


def _what_next(totals: Mapping[str, Any]) -> str:
    window, digest = totals["payout_window"], totals["digest"]
    steps = (
        f"```sh\nsettle review {window}\nsettle approve {window} --digest {digest} --as NAME\n```\n"
    )
    missing = totals["obstacles"]
    return steps + "\n".join(f"- {cell(line)}" for line in missing)


def _read(settings: Settings, window: str, *queries: str) -> dict[str, list[dict[str, Any]]]:
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        # One state of the database for all tables.
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return {name: rows_of(database, name, window=window, limit=MOST_ROWS) for name in queries}
