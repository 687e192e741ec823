"""What a person sees of the sandbox: its counters, as JSON and as a page."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from orchestrator.halfin_sandbox.book import Book
from orchestrator.halfin_sandbox.calls import Calls
from orchestrator.halfin_sandbox.payouts import Json

SHOWN = 20
BALANCE = ("available", "pending", "total_paid_out", "total_fees", "total_received")


def _shown(value: object) -> object:
    """Money with two places, a count with its thousands apart, the rest as it is."""
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
)
TEMPLATES.filters["shown"] = _shown


def counters(book: Book) -> Json:
    """How much of everything there is."""
    deliveries = Counter(d["state"] for d in book.deliveries.values())
    return {
        "batches": len(book.batches),
        "payouts": len(book.payouts),
        "by_status": Counter(p["status"] for p in book.payouts.values()),
        "idempotency_keys": len(book.keys),
        "webhooks": {
            "sent": sum(d["attempts"] for d in book.deliveries.values()),
            **{s: deliveries[s] for s in ("acknowledged", "pending", "given_up", "dropped")},
        },
    }


def page(book: Book, calls: Calls) -> bytes:
    """The books, and the latest of what came in and went out, as HTML."""
    counted = counters(book)
    shown = TEMPLATES.get_template("page.html").render(
        statuses=list(counted["by_status"].items()),
        waiting=counted["by_status"]["pending_approval"],
        balances=[
            (code, *(getattr(b, name) for name in BALANCE))
            for code, b in book.ledger.balances.items()
        ],
        batches=[
            (_time(b), _short(b["idempotency_key"]), len(b["payout_ids"]), _totals(b["totals"]))
            for b in _latest(book.batches.values())
        ],
        call_count=calls.count,
        calls=[_call(call) for call in islice(reversed(calls.latest), SHOWN)],
        webhook_counts=[(s.replace("_", " "), n) for s, n in counted["webhooks"].items()],
        webhooks=[_webhook(d) for d in _latest(book.deliveries.values())],
    )
    return shown.encode("utf-8", "replace")  # a caller's text may hold what has no UTF-8


def _call(call: Json) -> tuple[Any, ...]:
    is_repeated = call["is_repeated"]
    return (
        _time(call),
        f"{call['method']} {_short(call['path'])}",
        str(call["status"] or ""),
        _short(call["idempotency_key"] or ""),
        (call["body_sha256"] or "")[:12],
        "" if is_repeated is None else "repeated" if is_repeated else "new",
        call["fault"] or "",
    )


def _webhook(delivery: Json) -> tuple[Any, ...]:
    is_test = delivery.get("type") == "test"
    return (
        _time(delivery),
        delivery["event"] + (" (test)" if is_test else ""),
        delivery["payout_id"],
        delivery["state"].replace("_", " "),
        delivery["attempts"],
        ", ".join(delivery["answers"]),
        "wrongly signed" if delivery.get("is_missigned") else "",
    )


def _latest(rows: Any) -> Iterable[Json]:
    return islice(reversed(rows), SHOWN)


def _time(row: Json) -> str:
    return str(row["created_at"])[:19].replace("T", " ")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _totals(totals: dict[str, str]) -> str:
    return " · ".join(f"{_shown(Decimal(total))} {code}" for code, total in totals.items())
