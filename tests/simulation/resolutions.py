"""People who have asked the rail say what became of one line: two of them, who say the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.simulation import restores
from tests.simulation.people import FINANCE, refused
from tests.simulation.rail import FAILED, HANGING
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

RESOLVE = "select finance.resolve_line(%s, %s, %s, 'the rail says so')"


@dataclass(frozen=True)
class Question:
    """A line of which nobody here is certain, and what people hear of it when they ask."""

    line_id: str
    window: str
    seller: str
    truth: str


def resolve(sim: Simulation) -> str:
    """One question is answered; sometimes wrong attempts come first."""
    luck = sim.luck("people resolve a line")
    asked = questions(sim)
    if not asked:
        return _in_vain(sim)
    question = luck.choice(asked)
    first, second = luck.sample(FINANCE, 2)
    if luck.random() < 0.4:
        _twice_by_one(sim, first, question)
    elif luck.random() < 0.3:
        _say(sim, first, question, "failed" if question.truth != "failed" else "completed")
    return decide(sim, question, first, second)


def decide(sim: Simulation, question: Question, first: str, second: str) -> str:
    """Two who say what the rail has told them."""
    for who, count in ((first, 1), (second, 2)):
        said = _say(sim, who, question, question.truth)
        if said != str(count):
            return said
    sim.resolved[question.line_id] += 1
    if question.truth == "failed":
        sim.declared.add(question.line_id)
    [(state,)] = sim.rows(
        "select state from finance.payout_lines where line_id = %s", question.line_id
    )
    if state not in (question.truth, "rejected"):
        raise Violation("resolved", f"two said that {question} and it is {state}")
    return f"{question.seller} in {question.window} {question.truth}"


def settle(sim: Simulation, question: Question) -> str:
    """In the end: what came back twice is not credited twice but corrected."""
    said = decide(sim, question, *FINANCE[:2])
    if "correct it with an adjustment" not in said:
        return said
    [(payout_id, cents, number)] = sim.rows(
        "select l.payout_id, l.amount_minor, b.break_id from finance.payout_lines as l"
        " inner join finance.breaks as b on b.subject = l.line_id and b.closed_at is null"
        " and b.kind = 'returned_by_ledger' where l.line_id = %s",
        question.line_id,
    )
    sim.lost.add(payout_id)
    restores.take_off(sim, question.seller, -Decimal(cents).scaleb(-2), number)
    return f"{said}: it is corrected"


def questions(sim: Simulation) -> list[Question]:
    """What hangs at the rail, never got there, or is back by its ledger alone.

    Of what hangs people hear that it has failed: they are honest, and may be wrong all the same.
    """
    by_line = {
        (payout["metadata"] or {}).get("line_id"): payout for payout in sim.rail.book.in_order
    }
    found = []
    for line_id, payout_id, window, seller, state, call, is_broken in sim.rows(
        "select l.line_id, l.payout_id, l.payout_window, l.seller_id, l.state, c.state,"
        " exists (select from finance.breaks as b where b.subject = l.line_id"
        " and b.kind = 'returned_by_ledger' and b.closed_at is null)"
        " from finance.payout_lines as l inner join finance.payout_calls as c"
        " on l.batch_id = c.batch_id and l.call_sequence = c.sequence"
        " where l.state in ('frozen', 'submitted', 'completed')"
        " or (l.state = 'failed' and l.returned_at is null) order by l.line_id"
    ):
        payout = by_line.get(line_id)
        is_lost = payout is None and call == "unknown"
        hangs = payout is not None and payout["status"] == HANGING and call == "accepted"
        # What was sent before a restore has the id of a line that is forgotten.
        sent_back = payout or sim.rail.book.payouts.get(payout_id, {})
        if is_broken and sent_back.get("sent_back_at"):
            found.append(Question(line_id, window, seller, "returned"))
        elif state != "completed" and (is_lost or hangs):
            found.append(Question(line_id, window, seller, "failed"))
        elif state != "completed" and call == "unknown" and payout:
            # After a restore other bytes meet its key there, and are never taken.
            if sim.rail.is_paid(payout):
                found.append(Question(line_id, window, seller, "completed"))
            elif payout["status"] in FAILED:
                found.append(Question(line_id, window, seller, "failed"))
    return found


def _say(sim: Simulation, who: str, question: Question, outcome: str) -> str:
    about = (question.window, question.seller, outcome)
    answers: list[int] = []
    said = refused(lambda: answers.append(sim.office.ask(who, RESOLVE, *about)))
    return said or str(answers[0])


def _twice_by_one(sim: Simulation, who: str, question: Question) -> None:
    """It stays one person, however often they say it."""

    def twice() -> str:
        answers = [_say(sim, who, question, question.truth) for _ in range(2)]
        if answers[0] != answers[1]:
            raise Violation("resolved", f"{who} said it twice, and counts as {answers}")
        return answers[1]

    sim.step(f"{who} resolves twice", twice)


def _in_vain(sim: Simulation) -> str:
    """Nothing is said of a line that has its outcome."""
    lines = sim.rows(
        "select payout_window, seller_id, line_id, state from finance.payout_lines as l"
        " where (state in ('completed', 'returned') or (state = 'failed'"
        " and returned_at is not null)) and not exists (select from finance.breaks as b"
        " where b.closed_at is null and b.subject in"
        " (select o.line_id from finance.payout_lines as o where o.seller_id = l.seller_id"
        " and o.payout_window = l.payout_window)) order by line_id"
    )
    if not lines:
        return "there is no line"
    luck = sim.luck("a line that has its outcome")
    window, seller, line_id, state = luck.choice(lines)
    outcome = luck.choice(("failed", "returned", "completed"))
    said = refused(lambda: sim.office.ask(FINANCE[0], RESOLVE, window, seller, outcome))
    if not said:
        raise Violation("resolved", f"line {line_id} is {state}, and was called {outcome}")
    return said
