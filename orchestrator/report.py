"""What people read on the graph: tables of a close and of a payout. SQL computes each figure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dagster as dg

from orchestrator.chart import as_markdown, weeks_chart
from orchestrator.config import Component, Settings
from orchestrator.database import connect, rows_of

# What one event of Dagster's log carries; settle review and settle sql have all of it. Its page
# shows up to 1,000 characters at once and the rest, like the picture, when somebody clicks.
MOST_ROWS = 25
CLOSE_TABLES = {
    "weeks": "close_bars",
    "totals_by_rail": "close_rails",
    "sellers_by_status": "close_statuses",
    "holds_by_reason": "close_holds",
    "flags_by_reason": "close_flags",
    "flagged_sellers": "close_flagged",
    "data_exceptions": "close_exceptions",
    "checks": "close_checks",
}
PAYOUT_TABLES = {
    "outcomes": "payout_outcomes",
    "calls": "payout_calls",
    "left_out": "payout_left_out",
    "approvals": "payout_approvals",
}

Metadata = dict[str, Any]  # what dagster takes as metadata; it does not export the type


def close_report(settings: Settings, window: str, *, is_drawn: bool = True) -> Metadata:
    """What finance reviews of a stored close; `is_drawn` adds the chart of the last 12 weeks."""
    found = _read(settings, window, "close_totals", *CLOSE_TABLES.values(), "close_funding")
    [totals] = found["close_totals"]
    tables = {name: _table(found[query]) for name, query in CLOSE_TABLES.items()}
    report: Metadata = {"review": dg.MetadataValue.md(_headline(totals)), **tables}
    if totals["digest"]:
        report["funding"] = _table(found["close_funding"])
        report["digest"] = totals["digest"]
        report["what_next"] = dg.MetadataValue.md(_what_next(totals))
    report |= {
        "payout_window": window,
        # Numbers: Dagster plots them over the windows.
        "new_cents": totals["new_cents"],
        "to_pay_cents": totals["to_pay_cents"],
        "lines": totals["line_count"],
        "flagged": totals["flagged_count"],
    }
    if is_drawn:
        title = f"To pay and held, {totals['currency']}, 12 weeks up to {window}"
        png = weeks_chart(_read(settings, window, "close_weeks")["close_weeks"], title)
        report["chart"] = dg.MetadataValue.md(as_markdown(png, title))
    return report


def payout_report(settings: Settings, window: str) -> Metadata:
    """Where the latest batch of a window stands; empty where nothing was frozen."""
    found = _read(settings, window, "payout_batch", *PAYOUT_TABLES.values())
    if not found["payout_batch"]:
        return {}
    [batch] = found["payout_batch"]
    note = f": {batch['state_note']}" if batch["state_note"] else ""
    headline = (
        f"**Batch {batch['batch_id']} of {window} is {batch['state']}**{_cell(note)}. It pays"
        f" {_cell(batch['line_count'])} sellers {_cell(batch['total'])} {batch['currency']};"
        f" frozen {_cell(batch['frozen_at'])}, answered {_cell(batch['answered_at']) or 'not yet'}."
    )
    return {
        "payout": dg.MetadataValue.md(headline),
        **{name: _table(found[query]) for name, query in PAYOUT_TABLES.items()},
        "payout_window": window,
        "state": batch["state"],
        "batch_id": batch["batch_id"],
        "digest": batch["digest"],
    }


def approvals_report(settings: Settings, window: str) -> Metadata:
    """Who approved the window, by name."""
    found = _read(settings, window, "payout_approvals")
    return {"approvals": _table(found["payout_approvals"]), "payout_window": window}


def reconcile_report(settings: Settings) -> Metadata:
    """What is open between the rail and us."""
    found = _read(settings, "", "reconcile_breaks", "reconcile_waiting")
    return {
        "open_breaks": _table(found["reconcile_breaks"]),
        "without_outcome": _table(found["reconcile_waiting"]),
    }


def _headline(totals: Mapping[str, Any]) -> str:
    pay = (
        f"**{_cell(totals['line_count'])} sellers, {_cell(totals['total'])} {totals['currency']}**"
        f" to pay, due {totals['payout_due']}."
        if totals["digest"]
        else f"{_cell(totals['seller_count'])} sellers; what was left has moved on."
    )
    return "\n".join(
        (
            f"{pay}\n",
            "| | |",
            "|---|--:|",
            f"| New in {totals['payout_window']} | {_cell(totals['new'])} |",
            f"| Last week | {_compared(totals, 'new_last_week', 'change_on_last_week_pct')} |",
            f"| Mean of the 4 weeks before | "
            f"{_compared(totals, 'mean_of_4_weeks', 'change_on_mean_pct')} |",
            f"| Carried in | {_cell(totals['carried_forward'])} |",
            f"| Orders | {_cell(totals['order_count'])} |",
            f"| Late disputes the marketplace bears | {_cell(totals['absorbed_disputes'])} |",
            f"| Flagged | {_cell(totals['flagged_count'])} of {_cell(totals['health_count'])}"
            f" sellers, {_cell(totals['flagged_pct']) or '0'} % |",
        )
    )


def _compared(totals: Mapping[str, Any], value: str, percent: str) -> str:
    if totals[value] is None:
        return "none"
    change = totals[percent]
    return _cell(totals[value]) + (f" ({change:+} %)" if change is not None else "")


def _what_next(totals: Mapping[str, Any]) -> str:
    window, digest = totals["payout_window"], totals["digest"]
    steps = (
        f"```sh\nsettle review {window}\nsettle approve {window} --digest {digest} --as NAME\n```\n"
    )
    missing = (totals["obstacles"] or "").splitlines()
    return steps + "\n".join(f"- {_cell(line)}" for line in missing)


def _read(settings: Settings, window: str, *queries: str) -> dict[str, list[dict[str, Any]]]:
    with connect(settings, Component.ORCHESTRATOR) as database:
        # One state of the database for all tables.
        database.execute("set transaction isolation level repeatable read, read only")
        return {name: rows_of(database, name, window=window, limit=MOST_ROWS) for name in queries}


def _table(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Rows as a markdown table, numbers to the right; `none` where there are none."""
    if not rows:
        return dg.MetadataValue.md("none")
    names = list(rows[0])
    lines = [
        [name.replace("_", " ") for name in names],
        ["--:" if all(_is_number(row[name]) for row in rows) else "---" for name in names],
        *([_cell(row[name]) for name in names] for row in rows),
    ]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    more = f"\n\nThe first {MOST_ROWS}." if len(rows) == MOST_ROWS else ""
    return dg.MetadataValue.md(text + more)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    """One value for people: nothing in it can end the cell or become markup."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | Decimal():
            return f"{value:,}"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        case list():
            return _cell(", ".join(map(str, value)))
    text = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "\\|`*_[]<>#!" else c for c in text)
