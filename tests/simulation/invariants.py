"""What must hold after every step, whatever has happened. Each has a name; a breach ends it all.

They compare three accounts of the same money: our tables, the rail's own books, and the oracle's.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tests.simulation import batches
from tests.simulation.rail import FAILED, HANGING, Call
from tests.simulation.seen import see
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def look(sim: Simulation) -> None:
    """Every invariant, after a step, of what is seen now."""
    sim.seen = see(sim)
    for name, check in AFTER_EVERY_STEP.items():
        for problem in check(sim):
            raise Violation(name, problem)


# While a call goes out.


def posted(sim: Simulation, call: Call) -> None:
    """What the rail is about to read, whatever it will say to it."""
    content = json.loads(call.body)
    key = content["idempotency_key"]
    if sim.office.is_paused:
        raise Violation("pause", f"a call went out while payouts were paused: {key}")
    # A second attempt, after a rejection, is another decision: its lines have ids of their own.
    lines = (key, *(payout["metadata"]["line_id"] for payout in call.payouts))
    if sim.bodies.setdefault(lines, call.body) != call.body:
        raise Violation("same bytes", f"key {key} went out with other bytes")
    if sim.rows(
        "select batch_id from finance.payout_calls where idempotency_key = %s group by batch_id"
        " having count(*) > 1",
        key,
    ):
        raise Violation("same bytes", f"two calls of a batch have the key {key}")
    ids = [payout["metadata"]["line_id"] for payout in call.payouts]
    for line_id, keys in _calls_of(sim, ids).items():
        if len(keys) > 1:
            raise Violation("one call", f"line {line_id} may go out in each of {keys}")
    for payout in call.payouts:
        line_id = payout["metadata"]["line_id"]
        # What was refused with its call, and not named, goes on under the next key.
        known = sim.keys.setdefault(line_id, key)
        if known != key and not sim.rail.has_refused(known, line_id):
            raise Violation("same key", f"line {line_id} went out under two keys")
        sim.keys[line_id] = key
        about = (payout["metadata"]["seller_id"], payout["metadata"]["payout_window"])
        if sim.line_keys.setdefault(about, payout["idempotency_key"]) != payout["idempotency_key"]:
            raise Violation("same key", f"the line of {about} went out under two keys of its own")
    [(count,)] = sim.rows(
        "select count(*) from finance.call_attempts as a inner join finance.payout_calls as c"
        " on a.batch_id = c.batch_id and a.sequence = c.sequence"
        " where c.idempotency_key = %s and c.body = %s and a.ended_at is null",
        *(key, call.body.decode()),
    )
    if not count:
        raise Violation("intent", f"the call under {key} was not committed before it was made")


def _calls_of(sim: Simulation, line_ids: list[str]) -> dict[str, list[str]]:
    """By what was written to be sent: the calls of each line that are not refused for good."""
    return dict(
        sim.rows(
            "select p.payout #>> '{metadata,line_id}', array_agg(c.idempotency_key)"
            " from finance.payout_calls as c cross join lateral json_array_elements("
            " coalesce(c.body::json -> 'payouts', json_build_array(c.body::json))) as p (payout)"
            " where c.state <> 'rejected' and p.payout #>> '{metadata,line_id}' = any(%s)"
            " group by 1",
            line_ids,
        )
    )


# After each step.


def paid_once(sim: Simulation) -> Iterator[str]:
    """By the rail's own books: a seller's window is paid at most once, and is open at most once."""
    counted: Counter[tuple[str, str]] = Counter()
    for payout in sim.rail.book.in_order:
        if payout["status"] not in FAILED:
            about = payout["metadata"] or {}
            counted[about.get("seller_id"), about.get("payout_window")] += 1
    for (seller, window), count in counted.items():
        if count > 1:
            yield f"seller {seller} has {count} payouts for {window} at the rail"


def one_line(sim: Simulation) -> Iterator[str]:
    """A seller has one line in a window that is not rejected, whatever runs there are."""
    left = (line for line in sim.seen.lines if line.state != "rejected")
    lines = Counter((line.window, line.seller) for line in left)
    for (window, seller), count in lines.items():
        if count > 1:
            yield f"seller {seller} has {count} lines in {window}"


def stored(sim: Simulation) -> Iterator[str]:
    """A stored close is as it was when it was stored."""
    if sim.seen.closes == sim.read_closes:
        return
    sim.read_closes = sim.seen.closes
    for window, fingerprint in fingerprints(sim).items():
        if sim.fingerprints.setdefault(window, fingerprint) != fingerprint:
            yield f"the stored close of {window} has changed"


def fingerprints(sim: Simulation) -> dict[str, str]:
    return dict(
        sim.rows(
            "select c.payout_window, md5(c::text"
            " || coalesce((select string_agg(r::text, '|' order by r.seller_id)"
            " from finance.window_close_rows as r where r.payout_window = c.payout_window), '')"
            " || coalesce((select string_agg(e::text, '|' order by e.seller_id, e.entry_type,"
            " e.source_id) from finance.window_close_entries as e"
            " where e.payout_window = c.payout_window), '')"
            " || coalesce((select string_agg(h::text, '|' order by h.seller_id)"
            " from finance.window_close_health as h where h.payout_window = c.payout_window), ''))"
            " from finance.window_closes as c"
        )
    )


def books(sim: Simulation) -> Iterator[str]:
    """Money comes back only where the rail says that it failed or never took it; paid is paid."""
    at_rail = {p["id"]: p for p in sim.rail.book.in_order}
    by_key = {p["idempotency_key"]: p for p in sim.rail.book.in_order}
    refused = {line_id for call in sim.rail.calls for line_id in call.named}
    for line in sim.seen.lines:
        line_id, key, payout_id, state = line.line_id, line.key, line.payout_id, line.state
        payout = at_rail.get(payout_id)
        if payout is None and (by_key.get(key, {}).get("metadata") or {}).get("line_id") == line_id:
            payout = by_key[key]  # and not an earlier attempt's, which has the same key
        status = payout["status"] if payout else "unknown to the rail"
        is_sent_back = bool(payout and payout.get("sent_back_at"))
        if state == "completed" and status != "completed" and not is_sent_back:
            yield f"line {line_id} counts as paid and is {status} at the rail"
        if payout and state == "completed":
            asked = (f"{line.amount // 100}.{line.amount % 100:02d}0000", line.wallet)
            if (payout["amount"], payout["destination"]) != asked:
                yield f"line {line_id} of {asked} was paid as {payout['amount']}"
        is_said = line_id in sim.declared | sim.forgotten or line_id in sim.resolved
        if state == "returned" and not is_said and payout_id not in sim.rail.shown_returned:
            yield f"line {line_id} counts as returned, and the rail was never asked"
        is_back = line.is_returned and not line.is_retaken and not is_said
        if is_back and status in ("pending_approval", "processing", HANGING):
            yield f"the money of line {line_id} came back while the rail still pays it"
        shown = sim.rail.shown_failed | sim.rail.shown_returned
        # Of a refused line it may have a payout all the same, which a restore has forgotten.
        is_shown = payout is None or payout["id"] in shown or line_id in refused
        if is_back and state == "failed" and not is_shown:
            yield f"the money of line {line_id} came back, and the rail was never asked"
        is_late = payout is not None and payout["id"] in sim.rail.finished_after_all
        if is_back and status == "completed" and not is_late and not is_sent_back:
            yield f"the money of line {line_id} came back, and the rail has paid it"


def resolved(sim: Simulation) -> Iterator[str]:
    """What became of a line is decided by two people who say the same, and by nobody else."""
    for line in sim.seen.lines:
        count, people = line.moves.count("resolved"), sim.resolved[line.line_id]
        if count and count != people:
            yield f"line {line.line_id} was decided {count} times, by two people {people}"


SENT_BACK = ("returned_by_ledger", "failed_after_completed")
TOLD = {
    "submitted": "payout.submitted",
    "completed": "payout.paid",
    "failed": "payout.failed",
    "returned": "payout.returned",
}


def events(sim: Simulation) -> Iterator[str]:
    """The outbox tells each seller what became of their lines: all of it, once, in order.

    A line's own events are those of its moves, the last one that of the state it is in.
    """
    for seller, problem in sim.seen.of("misnumbered"):
        yield f"of the events of {seller}, {problem}"
    for line in sim.seen.lines:
        line_id, state, told, moves = line.line_id, line.state, line.told, line.moves
        if state in TOLD and told[-1:] != [TOLD[state]]:
            yield f"line {line_id} is {state}, and its seller was told {told}"
        if told and state == "frozen":
            yield f"line {line_id} was not sent, and its seller was told {told}"
        for name, kinds in (
            ("payout.submitted", ("submitted",)),
            ("payout.paid", PAID),
            ("payout.returned", ("returned",)),
        ):
            count = sum(kind in kinds for kind in moves)
            # What people said moved a line, too, and is written down as theirs.
            if told.count(name) != count:
                yield f"line {line_id} went through {moves}, and its seller was told {told}"


PAID = (
    "completed",
    "completed_after_failed",
    "completed_after_rejected",
    "completed_after_returned",
)


def alerts(sim: Simulation) -> Iterator[str]:
    """Whatever needs a person has told one."""
    raised = set(sim.seen.of("alert"))
    for kind, subject in sorted(sim.expected_alerts - raised):
        yield f"nobody was told of {kind} of {subject}"
    for line in sim.seen.lines:
        if "returned" in line.moves and ("returned", line.line_id) not in raised:
            yield f"nobody was told that line {line.line_id} was returned"
    for batch in sim.seen.batches:
        window, told = batch.window, ENDS.get(batch.state, ())
        if told and not raised & {(kind, window) for kind in told}:
            yield f"nobody was told that the batch of {window} is {batch.state}"


# The alerts of which a batch that ends so has one at least.
ENDS = {"unknown": ("unknown", "stopped"), "rejected": ("rejected", "withdrawn")}


def reconciled(sim: Simulation) -> Iterator[str]:
    """After an undisturbed reconcile we know what the rail knows about every batch that it took.

    Where it took what people had called not taken, a break says so: nobody pays on unawares.
    """
    if not sim.is_reconciled:
        return
    sim.is_reconciled = False
    lines = {
        payout_id: (line_id, state, returned)
        for payout_id, line_id, state, returned in sim.rows(
            "select l.payout_id, l.line_id, l.state, l.returned_at is not null"
            " from finance.payout_lines as l"
            " inner join finance.payout_calls as c on l.batch_id = c.batch_id"
            " and l.call_sequence = c.sequence where c.state = 'accepted'"
        )
    }
    breaks = sim.rows("select subject, kind, closed_at is null from finance.breaks")
    open_breaks = {subject for subject, _, is_open in breaks if is_open}
    looked_at = open_breaks | {s for s, kind, _ in breaks if kind in SENT_BACK}
    alerts_raised = set(sim.seen.of("alert"))
    broken = {  # by the key that attempts of a line share: the break may name a later one
        key
        for (key,) in sim.rows(
            "select l.idempotency_key from finance.breaks as b"
            " inner join finance.payout_lines as l on b.subject = l.line_id"
            # Or the line counts as paid, which raised an alert.
            " union select idempotency_key from finance.payout_lines where state = 'completed'"
        )
    }
    for payout in sim.rail.book.in_order:
        is_told = payout["idempotency_key"] in broken
        is_paid = sim.rail.is_paid(payout)
        if is_paid and _is_unasked(sim, payout) and not is_told:
            yield f"payout {payout['id']} was called not taken, is paid, and nobody is told"
        if payout["id"] not in lines:
            continue
        line_id, state, returned = lines[payout["id"]]
        if is_paid and state != "completed":
            yield f"payout {payout['id']} is completed at the rail and {state} here"
        if payout["status"] in FAILED and not returned and line_id not in open_breaks:
            yield f"payout {payout['id']} has failed at the rail and its money is not back"
        if payout.get("sent_back_at") and state == "completed" and line_id not in looked_at:
            yield f"payout {payout['id']} was sent back, and nobody is told"
        is_new = state in ("frozen", "submitted") and payout["id"] in sim.rail.shown_hanging
        if is_new and ("unknown_status", f"{line_id}/{HANGING}") not in alerts_raised:
            yield f"nobody was told that payout {payout['id']} hangs in a state of its own"


def remember(sim: Simulation) -> Iterator[str]:
    """Not a check: from here on, the batches of now are known, and what was rejected is spent."""
    for batch in sim.seen.batches:
        if batch.state == "rejected" and sim.batches.get(batch.batch_id) != "rejected":
            sim.office.spend(batch.window, batch.run)
        sim.batches[batch.batch_id] = batch.state
    yield from ()


def at_the_end(sim: Simulation) -> None:
    """Nothing is under way any more, and two calm weeks have paid whoever can be paid."""
    left = sim.rows(
        "select l.line_id, l.state from finance.payout_lines as l"
        " where l.state in ('frozen', 'submitted') or (l.state = 'failed' and returned_at is null)"
    )
    if left:
        raise Violation("ends", f"lines without an outcome in the end: {left[:3]}")
    per_seller: dict[str, int] = defaultdict(int)
    for payout in sim.rail.book.in_order:
        is_corrected = payout["id"] in sim.lost
        if sim.rail.is_paid(payout) and not is_corrected and not _is_unasked(sim, payout):
            cents = int(payout["amount"].replace(".", "")) // 10_000
            per_seller[payout["metadata"]["seller_id"]] += cents
    ours = dict(
        sim.rows(
            "select seller_id, sum(amount_minor)::bigint from finance.payout_lines"
            " where state = 'completed' and not coalesce(payout_id = any(%s), false)"
            " group by seller_id",
            sorted(sim.lost),
        )
    )
    if ours != per_seller:
        raise Violation("ends", f"paid by our books {ours}, by the rail's {dict(per_seller)}")


def _is_unasked(sim: Simulation, payout: dict[str, Any]) -> bool:
    """Of a line that people have called not taken, and of no later one of the same key."""
    known = sim.rows("select 1 from finance.payout_lines where payout_id = %s", payout["id"])
    return (payout["metadata"] or {}).get("line_id") in sim.declared and not known


AFTER_EVERY_STEP: dict[str, Callable[[Simulation], Iterator[str]]] = {
    "paid once": paid_once,
    "one line": one_line,
    "approved": batches.approved,
    "complete": batches.complete,
    "stored": stored,
    "books": books,
    "resolved": resolved,
    "events": events,
    "alerts": alerts,
    "reconciled": reconciled,
    "remember": remember,
}
