"""Finance: each person decides under their own login, and the oracle is told what they decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from orchestrator.config import Component, Settings
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.functions.payment_server import PEOPLE
from tests.simulation.databases import name_of
from tests.simulation.oracle import RELEASABLE, Oracle, account
from tests.simulation.violation import Violation

FINANCE = ("ana", "ben", "cem")
OUTSIDER = "dora"
assert PEOPLE[OUTSIDER] != "finance"


@dataclass
class Approval:
    """What a person saw and approved of a run: seller to amount in cents, rail and wallet."""

    person: str
    run: int
    lines: dict[str, tuple[int, str, str]]
    stands: bool = True


def _is_to(wallet: str, line: tuple[int, str, str]) -> bool:
    return account(line[2]) == account(wallet)


@dataclass
class Office:
    """The logins of one history, and what was done under them."""

    settings: Settings
    oracle: Oracle
    server: EmbeddedPostgres
    approvals: dict[str, list[Approval]] = field(default_factory=dict)
    released_by: set[tuple[str, str, str]] = field(default_factory=set)  # window, seller, who
    blocked_by: dict[str, str] = field(default_factory=dict)  # by account
    resumed_by: set[str] = field(default_factory=set)
    is_paused: bool = False
    released_late: set[str] = field(default_factory=set)  # after an approval
    _open: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)

    def ask(self, who: str, query: str, *parameters: object) -> Any:
        """The one value of a committed query; raises psycopg.Error where it is refused."""
        if who not in self._open or self._open[who].closed:
            self._open[who] = psycopg.connect(self._url(who), autocommit=True)
        row = self._open[who].execute(query.encode(), parameters or None).fetchone()
        return row[0] if row else None

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows as the owner reads them."""
        cursor = self._owner().execute(query.encode(), parameters or None)
        assert cursor.pgresult
        if cursor.pgresult.status != ExecStatus.TUPLES_OK:
            return []
        assert cursor.pgresult.nfields, "no column, so no row would be seen"
        return cursor.fetchall()

    def insert(self, query: str, rows: list[list[Any]]) -> None:
        """Rows that the owner writes, all in one round trip."""
        self._owner().cursor().executemany(query.encode(), rows)

    def _owner(self) -> psycopg.Connection[Any]:
        """Asks the same after each step: at the second time it is prepared."""
        who = Component.OWNER.value
        if who not in self._open or self._open[who].closed:
            self._open[who] = psycopg.connect(self._url(who), autocommit=True, prepare_threshold=1)
            self._open[who].prepared_max = None
        return self._open[who]

    def leave(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _url(self, who: str) -> str:
        return self.server.url(who, name_of(self.settings))

    def approve(self, who: str, window: str) -> str:
        """Read what is ready and its digest, in one look, and approve that."""
        [(run, digest)] = self.rows("select run, digest from finance.payable(%s)", window)
        lines = self.lines_of_run(window, run)
        self.check_digest(f"{window}|{run}", digest, lines)
        said = refused(lambda: self.ask(who, "select finance.approve(%s, %s)", window, digest))
        if said:
            return said
        mine = self.approvals.setdefault(window, [])
        for approval in mine:
            approval.stands &= (approval.person, approval.run) != (who, run)
        seen = {s: (net, rail, wallet) for s, net, rail, _, wallet in lines}
        mine.append(Approval(who, run, seen))
        return f"approved {len(lines)} lines"

    def lines_of_run(self, window: str, run: int) -> list[tuple[Any, ...]]:
        """What the run pays: its frozen lines, else who is ready and has no line yet."""
        frozen = self.rows(
            "select l.seller_id, l.amount_minor, l.rail, l.rail_currency, l.wallet_address"
            " from finance.payout_lines as l inner join finance.payout_batches as b"
            " on l.batch_id = b.batch_id"
            " where b.payout_window = %s and b.run = %s and b.state <> 'rejected'",
            window,
            run,
        )
        return frozen or self.rows(
            "select seller_id, net_minor, rail, rail_currency, wallet_address"
            " from finance.current_holds(%s) where cardinality(hold_reasons) = 0"
            " and seller_id <> all (array(select seller_id from finance.payout_lines"
            " where payout_window = %s and state <> 'rejected'))",
            window,
            window,
        )

    def check_digest(self, run: str, digest: str, lines: list[tuple[Any, ...]]) -> None:
        """The digest names what would be paid, and nothing else."""

        def money(cents: int) -> str:
            return f"{cents // 100}.{cents % 100:02d}"

        total = money(sum(line[1] for line in lines))
        text = f"v2|{run}|USD|{len(lines)}|{total}\n"
        for seller, cents, *rest in sorted(lines, key=lambda line: line[0].encode()):
            text += "|".join((seller, money(cents), *rest)) + "\n"
        if digest != sha256(text.encode()).hexdigest():
            raise Violation("digest", f"{digest} does not name the lines of {run}:\n{text}")

    def revoke(self, who: str, window: str) -> str:
        said = refused(lambda: self.ask(who, "select finance.revoke_approval(%s)", window))
        frozen = self._frozen_runs(window)
        for approval in self.approvals.get(window, []):
            if not said and approval.person == who and approval.run > frozen:
                approval.stands = False
        return said or "revoked"

    def _frozen_runs(self, window: str) -> int:
        [(frozen,)] = self.rows(
            "select coalesce(max(run), 0) from finance.payout_batches"
            " where payout_window = %s and state <> 'rejected'",
            window,
        )
        return int(frozen)

    def has_approved(self, who: str, window: str) -> bool:
        """And it stands."""
        return any(a.stands and a.person == who for a in self.approvals.get(window, []))

    def spend(self, window: str, run: int) -> None:
        """A batch was rejected: the approvals of its run are good for nothing more."""
        for approval in self.approvals.get(window, []):
            approval.stands &= approval.run != run

    def hold(self, who: str, seller: str) -> str:
        said = refused(lambda: self.ask(who, "select finance.hold_seller(%s, 'odd')", seller))
        if not said:
            self.oracle.held.add(seller)
        return said or "held"

    def release(self, who: str, window: str, seller: str) -> str:
        try:
            query = "select finance.release_hold(%s, %s, 'looked at')"
            reason: str = self.ask(who, query, window, seller)
        except psycopg.Error as error:
            return one_line(error)
        self._released(who, window, seller, reason)
        return f"released from {reason}"

    def release_file(self, who: str, window: str, rows: list[dict[str, Any]]) -> str:
        """All of them with one note, or nothing."""
        query = "select (finance.release_sellers(%s, %s, 'a file')).file_id"
        try:
            number = self.ask(who, query, window, json.dumps(rows))
        except psycopg.Error as error:
            return one_line(error)
        found = self.rows(
            "select seller_id, reason from finance.hold_releases where file_id = %s", number
        )
        if sorted(found) != sorted((row["seller_id"], row["held_for"]) for row in rows):
            raise Violation("all or nothing", f"of the releases {rows} there is {found}")
        for seller, reason in found:
            self._released(who, window, seller, reason)
        return f"released {len(found)} in one"

    def _released(self, who: str, window: str, seller: str, reason: str) -> None:
        assert reason in RELEASABLE, reason
        if reason == "manual_review":
            self.oracle.held.discard(seller)
        self.oracle.release(window, seller, reason)
        self.released_by.add((window, seller, who))
        if any(approval.stands for approval in self.approvals.get(window, [])):
            self.released_late.add(f"{window}/{seller}/{reason}")
        self._void(window, lambda lines: seller in lines)

    def _void(self, window: str, has: Callable[[dict[str, tuple[int, str, str]]], bool]) -> None:
        """An approval from before a hold, of what is not frozen, is none once that is lifted."""
        frozen = self._frozen_runs(window)
        for approval in self.approvals.get(window, []):
            approval.stands &= approval.run <= frozen or not has(approval.lines)

    def block(self, who: str, wallet: str) -> str:
        said = refused(lambda: self.ask(who, "select finance.block_wallet(%s, 'odd')", wallet))
        if not said:
            self.oracle.blocked.add(account(wallet))
            self.blocked_by.setdefault(account(wallet), who)
        return said or f"blocked {wallet}"

    def unblock(self, who: str, wallet: str) -> str:
        """By somebody else than the one who blocked it."""
        said = refused(
            lambda: self.ask(who, "select finance.unblock_wallet(%s, 'no')::text", wallet)
        )
        if (said is None) == (self.blocked_by[account(wallet)] == who):
            raise Violation("blocks", f"{who} lifts the block of {wallet}: {said}")
        if not said:
            self.oracle.blocked.discard(account(wallet))
            del self.blocked_by[account(wallet)]
            for window in self.approvals:
                self._void(
                    window, lambda lines: any(_is_to(wallet, line) for line in lines.values())
                )
        return said or f"lifted {wallet}"

    def pause(self, who: str) -> str:
        said = refused(lambda: self.ask(who, "select finance.pause_payouts('stop')"))
        if not said:
            self.is_paused, self.resumed_by = True, set()
        return said or "paused"

    def resume(self, who: str) -> str:
        said = refused(lambda: self.ask(who, "select finance.resume_payouts('go on')"))
        if not said:
            self.resumed_by.add(who)
            self.is_paused = len(self.resumed_by) < 2
        return said or f"{len(self.resumed_by)} said to go on"

    def accept_checks(self, window: str) -> str:
        """Two people look at each failed check and let it pass."""
        failed = self.rows("select check_name from finance.failed_checks(%s)", window)
        for (check,) in failed:
            for who in FINANCE[:2]:
                query = "select finance.accept_check(%s, %s, 'looked at')"
                said = refused(lambda: self.ask(who, query, window, check))  # noqa: B023
                if said:
                    return said
        return f"{len(failed)} checks accepted"


def refused(act: Any) -> str | None:
    """The one line with which the database refuses; none where it does not."""
    try:
        act()
    except psycopg.Error as error:
        return one_line(error)
    return None


def one_line(error: psycopg.Error) -> str:
    """A refusal is a sentence of ours; anything else the database says is a bug."""
    if not isinstance(error, psycopg.errors.RaiseException | psycopg.errors.InsufficientPrivilege):
        raise error
    message = error.diag.message_primary or ""
    assert message
    assert "\n" not in message
    return f"refused: {message}"
