"""One seed lived through: weeks of a marketplace, its finance people, a rail, and bad luck."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import psycopg
import stamina

from orchestrator.config import Settings
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError
from orchestrator.halfin import HalfinClient
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from tests.halfin.sandbox import KEY
from tests.reference.windows import Window, window_numbered, window_of
from tests.simulation import acts, closes, days, invariants, payday, paying, rare, runs
from tests.simulation.compiled import Project
from tests.simulation.dice import Dice
from tests.simulation.killable import Connection, Killed, Program
from tests.simulation.oracle import LAG, Oracle, account
from tests.simulation.people import FINANCE, Office
from tests.simulation.rail import Call, Rail
from tests.simulation.seen import Seen
from tests.simulation.sessions import Sessions
from tests.simulation.violation import Violation
from tests.simulation.world import UNPAYABLE, World, is_rough, make_world

CLOCK = (
    "insert into finance.clock (now_at) values (%s)"
    " on conflict (only_row) do update set now_at = excluded.now_at"
)


@dataclass
class Simulation:
    """The state of a history, and what moves it. `log` tells it step by step."""

    seed: int
    weeks: int
    settings: Settings
    project: Project
    server: EmbeddedPostgres
    log: list[str] = field(default_factory=list)
    batches: dict[int, str] = field(default_factory=dict)  # seen so far, by id
    fingerprints: dict[str, str] = field(default_factory=dict)  # of stored closes
    booked: dict[str, str] = field(default_factory=dict)  # fingerprints of months in the journal
    expected_alerts: set[tuple[str, str]] = field(default_factory=set)
    line_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # line id -> key of its call
    bodies: dict[tuple[str, ...], bytes] = field(default_factory=dict)  # by key and lines
    dual_limit: int = 100_000_000
    max_lines: int | None = None
    compared: int = 0
    pay_window: Callable[[Settings, str], object] = pay_window
    declared: set[str] = field(default_factory=set)  # lines that people called not taken
    forgotten: set[str] = field(default_factory=set)  # lines that a restore may have lost
    lost: set[str] = field(default_factory=set)  # payouts of such, corrected by people
    resolved: Counter[str] = field(default_factory=Counter)  # how often people decided a line
    met: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # what is rare
    is_reconciled: bool = False
    is_calm: bool = False
    ends_after: int = 1000  # weeks: what comes after them is not lived
    spares: list[Connection] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)  # after the last step
    read_closes: tuple[Any, ...] = ()  # how the closes were marked when all of them were read

    def __post_init__(self) -> None:
        self.luck = Dice(self.seed)
        self.world: World = make_world(self.seed, self.luck, self.weeks)
        self.oracle = Oracle(self.world.settings, wallets=self.world.wallets)
        self.oracle.unpayable = frozenset(account(wallet) for wallet in UNPAYABLE.values())
        self.oracle.sellers = {s.seller_id: s for s in self.world.sellers}
        self.sessions = Sessions(self.settings)
        self.office = Office(self.settings, self.oracle, self.server)
        self.is_rough = is_rough(self.seed)
        self.rail = Rail(self.seed, self.luck, on_post=self._on_post, is_rough=self.is_rough)
        lines = (2, 2, 3) if self.is_rough else (None, None, 1, 2, 3)
        self.max_lines = self.luck("lines in a call").choice(lines)
        self.now = self.world.starts_at
        self.oracle.sees(self.now)

    # Time and steps.

    @property
    def zone_window(self) -> Window:
        return window_of(self.now, self.world.settings.timezone)

    def before(self, window: Window) -> Window:
        return window_numbered(window.number - 1, self.world.settings.timezone)

    def until(self, instant: datetime) -> None:
        """Move the clock; what lands meanwhile, lands."""
        self.now = max(self.now, instant)
        self.office.rows(CLOCK, self.now)
        acts.land(self)

    def step(self, what: str, act: Callable[[], str]) -> None:
        """Do something, then look whether all is well."""
        said = act()
        self.log.append(f"{len(self.log) + 1:4} {self.now:%Y-%m-%d %H:%M} {what}: {said}")
        invariants.look(self)
        rare.note(self)

    def meets(self, what: str, about: str) -> None:
        """Something rare happens; the same thing once."""
        self.met[what].add(about)

    def run(self) -> None:
        """The whole history; raises Violation where something is not as it must be.

        What else is raised is a violation too: no input may end in a stack trace.
        """
        try:
            self._run()
        except Violation:
            raise
        except Exception as error:
            raise Violation("no crash", f"{type(error).__name__}: {error}") from error

    def _run(self) -> None:
        with (
            patch.multiple("orchestrator.halfin_sandbox.book", now=self.rail_time),
            patch("orchestrator.halfin_sandbox.ledger.now", self.rail_time),
            patch("orchestrator.halfin_sandbox.payouts.now", self.rail_time),
            patch("tests.simulation.rail.now", self.rail_time),
            stamina.set_testing(True, attempts=2, cap=True),
        ):
            acts.begin(self)
            for week in range(min(self.weeks, self.ends_after)):
                self.luck.week, self.is_calm = week, week >= self.weeks - 2
                self.rail.is_calm = self.is_calm
                self._week()
            if self.ends_after < self.weeks:
                return
            paying.settle_down(self)
            runs.last_run(self)
            invariants.at_the_end(self)

    def _week(self) -> None:
        luck = self.luck("the week")
        self.rail.moods = (0.0, 0.0) if self.is_calm or luck.random() < 0.3 else (0.35, 0.1)
        refuses = luck.random() < 0.3 and not self.is_calm
        self.rail.refused = acts.any_seller(self, "refused by the rail") if refuses else None
        window = self.zone_window
        days.live(self)
        minutes = self.luck("when it is closed").randrange(600)
        self.until(window.ends_at + LAG + timedelta(minutes=minutes))
        if self.luck("nobody closes").random() < 0.1 and not self.is_calm:
            return  # nobody came to close it
        closes.close(self)
        if self.oracle.closes:
            payday.payday(self)

    # What the product is asked to do, as a program that may die.

    @property
    def window(self) -> str:
        """The window that closed last."""
        return self.oracle.closes[-1].label if self.oracle.closes else ""

    def product(self, run: Callable[[Settings], object], program: Program) -> str:
        """What a run of the product said: its answer, its one line of refusal, or its death."""
        outer, self.rail.program = self.rail.program, program
        try:
            with program.running(self.spares), self._at_rail():
                answer = run(replace(self.settings, halfin_max_lines_per_call=self.max_lines))
        except SettleError as error:
            if "\n" in str(error):
                raise Violation("one line", str(error)) from None
            return f"refused: {error}"
        except Killed:
            return f"killed before step {program.steps}"
        finally:
            self.rail.program = outer
        return f"{answer}"

    @contextmanager
    def _at_rail(self) -> Iterator[None]:
        def client(settings: Settings) -> HalfinClient:
            return HalfinClient("http://127.0.0.1:1/api", KEY, transport=self.rail)

        with (
            patch.dict(self.pay_window.__globals__, halfin_client=client),
            patch.dict(reconcile.__globals__, halfin_client=client),
        ):
            yield

    def unlucky(self, what: str, guest: Callable[[], None]) -> Program:
        """A program that lives, dies somewhere, or is overtaken."""
        luck = self.luck(f"the fate of {what}")
        fate, dies_at, overtaken_at = luck.random(), luck.randint(1, 40), luck.randint(1, 30)
        if fate < 0.25 and not self.is_calm:
            return Program(dies_at=dies_at)
        if fate < 0.45 and not self.is_calm:
            return Program(guest=guest, overtaken_at=overtaken_at)
        return Program()

    def leave(self) -> None:
        """Every connection ends, as before the server does."""
        self.office.leave()
        self.sessions.leave()
        while self.spares:
            psycopg.Connection.close(self.spares.pop())

    def due(self) -> datetime:
        """When the window that closed last may be paid, give or take the hour of a clock change."""
        return self.oracle.closes[-1].ends_at + timedelta(days=1, hours=10)

    def is_rejected(self, window: str) -> bool:
        states = self.rows(
            "select state from finance.payout_batches where payout_window = %s"
            " order by attempt desc limit 1",
            window,
        )
        return states == [("rejected",)]

    def someone(self, what: str) -> str:
        return self.luck(f"who {what}").choice(FINANCE)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.office.rows(query, *parameters)

    def _on_post(self, call: Call) -> None:
        invariants.posted(self, call)

    def rail_time(self) -> str:
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
