"""Pay a window: freeze, submit, and ask again about what is not certain.

Every step is committed before the next begins, and no transaction is open while the network is.
Killed anywhere, the next run continues: it finds the standing batch, and the same bytes under the
same key return the rail's original answer.
"""

from dataclasses import dataclass

from orchestrator.config import Component, Settings
from orchestrator.database import connect, rows
from orchestrator.errors import SettleError
from orchestrator.halfin import Outcome, RailAnswer
from orchestrator.rail import halfin_client


@dataclass(frozen=True)
class PayResult:
    """A batch after a run: its state, and whether this run was the one that got the answer."""

    payout_window: str
    batch_id: int
    state: str
    is_new: bool


def pay_window(settings: Settings, window: str) -> PayResult:
    """Freeze and submit the window's approved lines, or resume; refuses with what is missing.

    Raises SettleError where the gate is shut, the batch was rejected, or the answer stays unknown.
    """
    with halfin_client(settings) as rail, connect(settings, Component.ORCHESTRATOR) as database:
        [frozen] = rows(database, "select finance.freeze_batch(%s) as batch_id", window)
        batch_id: int = frozen["batch_id"]
        database.commit()
        calls = rows(database, "select * from finance.begin_call(%s)", batch_id)
        database.commit()
        if not calls:
            return PayResult(window, batch_id, _batch_state(settings, batch_id), is_new=False)
        [call] = calls
        answer = rail.post_batch(call["body"].encode(), path=call["path"])
        [recorded] = rows(
            database,
            "select finance.record_answer(%s, %s, %s, %s, %s) as state",
            batch_id,
            call["sequence"],
            answer.outcome.value,
            answer.http_status,
            (answer.body or answer.error_message or "").replace("\0", ""),  # Postgres has no NUL
        )
        database.commit()
    if recorded["state"] != "accepted":
        raise SettleError(_refusal(window, str(recorded["state"]), answer))
    return PayResult(window, batch_id, "accepted", is_new=True)


def _batch_state(settings: Settings, batch_id: int) -> str:
    with connect(settings, Component.ORCHESTRATOR) as database:
        [batch] = rows(
            database, "select state from finance.payout_batches where batch_id = %s", batch_id
        )
    return str(batch["state"])


def _refusal(window: str, state: str, answer: RailAnswer) -> str:
    said = answer.error_message or "no answer"
    if state == "rejected" and answer.outcome is Outcome.ACCEPTED:
        return (
            f"the rail took the batch of {window} after it had rejected it: lines that came back"
            f" may be paid; ask halfin before anybody approves {window} again"
        )
    if state == "rejected":
        first = f" ({answer.details[0]})" if answer.details else ""
        return (
            f"the rail rejected the batch of {window}: {said}{first}; nothing was paid, the lines"
            f" came back: mend the cause, review and approve again"
        )
    if answer.outcome is Outcome.STOPPED:
        return (
            f"the rail stopped the batch of {window}: HTTP {answer.http_status}, {said}; it may or"
            f" may not have it: ask halfin, then run settle pay {window} again"
        )
    return (
        f"the batch of {window} has no certain answer: {said}; nothing is lost and nothing is paid"
        f" twice: run settle pay {window} again, it asks with the same key"
    )


def reconcile(settings: Settings) -> int:
    """Ask the rail about every line without a certain outcome; returns how many got one.

    A failed line's money comes back here and nowhere else: when the rail, asked, says so again.
    A batch that the rail does not tell about keeps nobody from asking about the others; it raises
    SettleError at the end.
    """
    moved = 0
    unanswered: list[str] = []
    with halfin_client(settings) as rail, connect(settings, Component.ORCHESTRATOR) as database:
        batches = rows(
            database,
            "select distinct b.batch_id, b.rail_batch_id, b.payout_window, c.path"
            " from finance.payout_batches as b"
            " inner join finance.payout_calls as c on b.batch_id = c.batch_id"
            " inner join finance.payout_lines as l on b.batch_id = l.batch_id"
            " where b.state = 'accepted' and l.returned_at is null"
            " and l.state in ('frozen', 'submitted', 'failed')"
            " order by b.batch_id",
        )
        database.commit()
        for batch in batches:
            answer = rail.get_batch(batch["rail_batch_id"], path=batch["path"])
            if answer.outcome is not Outcome.ACCEPTED:
                said = answer.error_message or "no answer"
                unanswered.append(f"{batch['payout_window']} ({said})")
                continue
            [looked_up] = rows(
                database,
                "select finance.record_lookup(%s, %s) as moved",
                batch["batch_id"],
                answer.body,
            )
            database.commit()
            moved += looked_up["moved"]
    if unanswered:
        raise SettleError(
            f"the rail does not tell about the batch of {', '.join(unanswered)}; {moved} other"
            " lines got an outcome: run settle reconcile again later"
        )
    return moved
