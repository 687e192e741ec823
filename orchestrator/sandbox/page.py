"""What a person sees of the sandbox: its counters, as JSON and as a page."""

import html
from collections import Counter
from collections.abc import Sequence

from orchestrator.sandbox.book import Book
from orchestrator.sandbox.payouts import Json

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<title>halfin sandbox</title>
<style>
body {{ font: 15px system-ui; margin: 2rem; max-width: 60rem }}
table {{ border-collapse: collapse; margin-bottom: 2rem }}
td, th {{ padding: .2rem .8rem; text-align: left }}
</style>
<h1>halfin sandbox</h1>
<p>A rehearsal of the payout rail on this machine. No money moves.</p>
{tables}
</html>
"""


def counters(book: Book) -> Json:
    """How much of everything there is."""
    deliveries = Counter(d["state"] for d in book.deliveries)
    return {
        "batches": len(book.batches),
        "payouts": len(book.payouts),
        "by_status": Counter(p["status"] for p in book.payouts.values()),
        "idempotency_keys": len(book.keys),
        "webhooks": {
            "sent": sum(d["attempts"] for d in book.deliveries),
            **{s: deliveries[s] for s in ("acknowledged", "pending", "given_up", "dropped")},
        },
    }


def page(book: Book) -> str:
    """The counters and the latest batches and webhooks, as HTML."""
    counted = counters(book)
    batches = [
        (b["created_at"], b["idempotency_key"], len(b["payout_ids"]))
        for b in reversed(book.batches.values())
    ]
    webhooks = [
        (d["created_at"], d["event"], d["payout_id"], d["attempts"], d.get("answer", ""))
        for d in reversed(book.deliveries[-20:])
    ]
    tables = [
        _table("Payouts", ("Status", "Count"), list(counted["by_status"].items())),
        _table("Batches", ("Created", "Key", "Payouts"), batches[:20]),
        _table("Webhooks", ("State", "Count"), list(counted["webhooks"].items())),
        _table("Latest", ("Created", "Event", "Payout", "Attempts", "Answer"), webhooks),
    ]
    return PAGE.format(tables="".join(tables))


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def cells(tag: str, values: Sequence[object]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(v))}</{tag}>" for v in values) + "</tr>"

    body = "".join(cells("td", row) for row in rows)
    return f"<h2>{title}</h2><table>{cells('th', columns)}{body}</table>"
