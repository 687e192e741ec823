"""One policy run over history: facts once, then one close after another, then the measures.

Facts, entries and health depend on nothing that a policy paid, and each has the instant from which
it is known: they are computed once for all weeks. What is due depends on what was paid before, so
the closes are computed one by one, each as of its own instant, and stored where the models look for
closes and lines: in the backtest's own staging schema.

Where a review reason pays, whom a close flags decides the reserve of their later orders, and so, in
rare cases, whom a later close flags. Facts are computed under the flags of the real closes, then
under those that they give, until these are the same. A close's flags follow from those before it:
so there is one answer, and each round has at least one more close right.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from orchestrator.backtest.models import CLOSES, FLAGS, Model, Models
from orchestrator.backtest.policy import Policy
from orchestrator.backtest.relations import Relations, relation
from orchestrator.database.connection import sql_file
from orchestrator.dbt.builds import LIVE_SCHEMA
from orchestrator.project_variables import is_distributed

SQL = Path(__file__).parent / "sql"
# Whether a close saw a fact in time is history, whatever the policy: read from finance's closes.
HISTORY = "int_late_facts"
# Whom a close put under a reserve policy, because of review reasons.
ASSIGNED = "stg_finance__flag_assignments"
# What finance's tables and the seeds have in a live build, the backtest has of its own.
OWN = (
    *("stg_finance__window_closes", "stg_finance__window_close_rows"),
    *("stg_finance__window_close_entries", "stg_finance__window_close_facts"),
    *("stg_finance__window_close_health", "stg_finance__payout_lines", "stg_finance__policies"),
    ASSIGNED,
)
SEEDS = ("reserve_policies", "new_seller_policies", "review_actions")
# Computed again for each close; the balances, and what is made of them, of its own window alone.
WEEKLY = ("int_build", "int_windows", "int_settlement__balances", CLOSES)
# Views elsewhere; here each close would compute all weeks again.
ONCE = ("int_seller_reviews",)
# Computed for all weeks, and seen by a close as far as its instant.
SEEN = {"int_entries": "known_at", "int_window_sums": "window_starts_at"}


class Run:
    """The schemas of a backtest under one policy, by dbt's login; nothing else is written."""

    def __init__(self, connection: psycopg.Connection[TupleRow], models: Models) -> None:
        self.connection = connection
        self.models = models
        self.relations = Relations(connection, is_distributed=is_distributed())

    def over(self, policy: Policy, until: datetime, *, grid: str = "") -> None:
        """Fill the marts: the policy from the first window to the close at `until`.

        Their rows are kept with those of the policies before; `grid` names what they belong to.
        """
        self.connection.execute("set role settle_dbt")
        self.connection.execute("set work_mem = '128MB'")
        self.connection.execute("set max_parallel_workers_per_gather = 2")
        self._execute("begin")
        self._execute("clear")
        self._look_at(until)
        history, closes = self.models.before(HISTORY), self.models.before(CLOSES)
        flags = self.models.before(FLAGS) - history
        self._build(history)
        for name in OWN:
            self._drop_view(name)
        self._decide(policy)
        self._build(flags)
        if policy.pays_flagged_sellers:
            self._flag(until)
        self._build(closes - history - flags)
        with self.relations.here_alone():
            self._execute("first_entries")
        for number, (window, as_of) in enumerate(self._rows("windows")):
            self._close(window, as_of)
            # As they grow, so that the last weeks' rows are found by their index.
            if number & (number + 1) == 0:
                self._execute("analyze_closes")
        self._execute("put_back")
        self._execute("analyze_closes")
        self._look_at(until)
        self._fill(WEEKLY[:2])
        # As tables, whatever they are elsewhere: each is read by the next one's plan.
        for model in self.models.ordered:
            if model.name not in closes | history | flags:
                self._build_table(model)
        self._execute("keep", grid=grid, policy=policy.policy)
        self._execute("grants")

    def _look_at(self, instant: datetime) -> None:
        self.connection.execute("select finance.begin_build(%s, %s)", [self.models.schema, instant])

    def _decide(self, policy: Policy) -> None:
        """Empty closes and lines of the backtest's own, and the policy's rows."""
        for model in self.models.ordered:
            if model.name in OWN:
                self.relations.make_table(model, relation(model), is_filled=False)
        self._execute("make_closes")
        for name in SEEDS:
            seed = sql.SQL("select * from {}").format(sql.Identifier(f"{LIVE_SCHEMA}_seeds", name))
            table = sql.Identifier(f"{self.models.schema}_seeds", name)
            empty = "create unlogged table {} as {} with no data"
            self.connection.execute(sql.SQL(empty).format(table, seed))
        for number, limit in enumerate(policy.limits):
            self._execute("limit", number=number, **limit.model_dump())
        for row in policy.reserve_policies:
            self._execute("reserve_policy", **row.model_dump())
        for new in policy.new_seller_policies:
            self._execute("new_seller_policy", **new.model_dump())
        for action in policy.review_actions:
            self._execute("review_action", **action.model_dump())
        if policy.pays_flagged_sellers:
            [assigned] = [m for m in self.models.ordered if m.name == ASSIGNED]
            self.relations.fill(assigned)

    def _flag(self, until: datetime) -> None:
        """Find whom each close flags, until the facts are under what they were computed with."""
        made_of_flags = self.models.after(ASSIGNED) & self.models.before(FLAGS)
        tables = {m.name for m in self.models.ordered if m.kind == "table"} - {*OWN, *WEEKLY}
        windows, before = self._rows("windows"), self._rows("flags")
        while (found := self._flagged(windows, until)) != before:
            before = found
            self._fill(made_of_flags & tables)

    def _flagged(self, windows: Iterable[TupleRow], until: datetime) -> list[TupleRow]:
        """Whom the health that was computed puts under which policy, close by close."""
        self._execute("forget_flags")
        for window, as_of in windows:
            self._look_at(as_of)
            self._fill(WEEKLY[:2])
            self._execute("store_flags", window=window)
            self._execute("store_window", window=window)
        self._execute("forget_closes")
        self._look_at(until)
        self._fill(WEEKLY[:2])
        return self._rows("flags")

    def _build(self, names: Collection[str]) -> None:
        for model in self.models.ordered:
            if model.name not in names or (model.name in OWN and self._exists(model)):
                continue
            if model.kind == "seed":
                self._build_seed(model)
            elif model.kind == "view" and model.name not in ONCE:
                self.relations.make_view(model)
            else:
                self._build_table(model)

    def _build_seed(self, model: Model) -> None:
        if self._exists(model):
            return
        live = sql.Identifier(f"{LIVE_SCHEMA}_seeds", model.name)
        self.connection.execute(
            sql.SQL("create view {} as select * from {}").format(relation(model), live)
        )

    def _build_table(self, model: Model) -> None:
        name = relation(model, "__all" if model.name in SEEN else "")
        # The closes are still to come.
        self.relations.make_table(model, name, is_filled=model.name not in WEEKLY[2:])
        # What is seen in part is read whole, and looked up by nobody.
        for columns, is_unique in () if model.name in SEEN else model.indexes:
            index = sql.SQL("create {} index on {} ({})").format(
                sql.SQL("unique" if is_unique else ""),
                name,
                sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
            self.connection.execute(index)
        self.connection.execute(sql.SQL("analyze {}").format(name))
        if model.name in SEEN:
            view = "create view {} as select * from {} where {} <= (select finance.as_of({}))"
            column = sql.Identifier(SEEN[model.name])
            parts = (relation(model), name, column, sql.Literal(self.models.schema))
            with self.relations.here_alone():
                self.connection.execute(sql.SQL(view).format(*parts))

    def _close(self, window: str, as_of: datetime) -> None:
        """Compute a window as of its close, store it and pay it."""
        self._look_at(as_of)
        self._fill(WEEKLY[:2])
        self._fill(WEEKLY[2:], window)
        self._execute("store_window", window=window)
        self._execute("store_rows", window=window)
        self._execute("put_aside")
        self._execute("pay", window=window)

    def _fill(self, names: Collection[str], window: str = "") -> None:
        for model in self.models.ordered:
            if model.name in names:
                self.relations.fill_anew(model, window)

    def _drop_view(self, name: str) -> None:
        view = sql.Identifier(f"{self.models.schema}_staging", name)
        self.connection.execute(sql.SQL("drop view if exists {}").format(view))

    def _exists(self, model: Model) -> bool:
        name = f'"{model.schema}"."{model.name}"'
        [(found,)] = self.connection.execute("select to_regclass(%s) is not null", [name])
        return bool(found)

    def _execute(self, name: str, /, **parameters: Any) -> None:
        self.connection.execute(self._file(name), parameters or None)

    def _rows(self, name: str) -> list[TupleRow]:
        return self.connection.execute(self._file(name)).fetchall()

    def _file(self, name: str) -> sql.Composed:
        """The statement of sql/NAME.sql, in the schemas of these models."""
        schema = self.models.schema
        parts = {part: sql.Identifier(f"{schema}_{part}") for part in ("core", "seeds", "staging")}
        text = sql.SQL(sql_file(name, SQL))
        return text.format(schema=sql.Literal(schema), marts=sql.Identifier(schema), **parts)
