"""Which files an archive has, and which rows of which relation each: facts, then contents.yml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql

from orchestrator.database.connection import sql_file
from orchestrator.dbt.rules import rule
from orchestrator.loading.csv_files import FACTS, Kind, Source
from orchestrator.project_variables import source_table
from orchestrator.yaml_files import read_yaml

SQL = Path(__file__).parent / "sql"
NO_CHANGE = "nothing but an erasure changes these rows: find out what did"
CHANGED_FACTS = "facts never change: see docs/operations/close-contradicted.md"


@dataclass(frozen=True)
class Content:
    """The rows of one file.

    `only` are the columns that may be in it, where the relation may have others; `computed` has
    columns in place of some of them. An empty key stands for all columns. `amounts` are minor units
    where their name ends so, else whole units, of `currency` (of the settlement without one), which
    a `join` may be needed for. `changes` says why rows may differ later.
    """

    name: str
    relation: tuple[str, str]
    scope: sql.Composable
    key: Sequence[str] = ()
    only: Sequence[str] | None = None
    without: Sequence[str] = ()
    computed: Mapping[str, str] = field(default_factory=dict)
    amounts: Sequence[str] = ()
    recorded: Sequence[str] = ()
    changes: str = NO_CHANGE
    currency: sql.Composable | None = None
    join: sql.Composable | None = None

    @property
    def file_name(self) -> str:
        return f"{self.name}.csv.gz"


def evidence() -> list[Content]:
    """Facts, and what is stored: of one snapshot."""
    return [*map(_facts, FACTS), *_listed("evidence")]


def built() -> list[Content]:
    """What dbt builds, as the latest build has it."""
    return _listed("built")


def left_out() -> Mapping[str, str]:
    """The tables that no archive has, and why."""
    reasons: Mapping[str, str] = _said()["left_out"]
    return reasons


def _said() -> Mapping[str, Any]:
    said: Mapping[str, Any] = read_yaml(Path(__file__).with_name("contents.yml"))
    return said


def _listed(part: str) -> list[Content]:
    return [
        Content(
            name=name,
            relation=_relation(said["from"]),
            scope=sql.SQL(said["where"]),
            **{k: v for k, v in said.items() if k not in ("from", "where")},
        )
        for name, said in _said()[part].items()
    ]


def _relation(name: str) -> tuple[str, str]:
    schema, table = name.split(".")
    return schema, table


def _facts(source: Source) -> Content:
    has_order, is_order = "order_id" in source.columns, source.id == "order_id"
    text = sql.SQL(sql_file("orders" if is_order else "facts", SQL))
    kinds = {name: column.kind for name, column in source.columns.items()}
    return Content(
        name=source.table,
        relation=source_table(source.table),
        scope=text.format(
            id=sql.Identifier(source.id),
            table=sql.Literal(source.table),
            table_of_entry=sql.SQL(_literally(rule("source_table_of('e.entry_type')"))),
        ),
        key=source.key,
        only=list(source.columns),
        amounts=[n for n, kind in kinds.items() if kind is Kind.AMOUNT and n != "exchange_rate"],
        changes=CHANGED_FACTS,
        currency=sql.SQL("t.currency" if is_order else "o.currency") if has_order else None,
        join=_order_of_fact() if has_order and not is_order else None,
    )


def _order_of_fact() -> sql.Composable:
    orders = sql.Identifier(*source_table("orders"))
    return sql.SQL(
        "left join {} as o on t.seller_id = o.seller_id and t.order_id = o.order_id"
    ).format(orders)


def _literally(text: str) -> str:
    """As a statement with parameters has it."""
    return text.replace("%", "%%")
