"""What formats/ says of each report that `settle import` takes: a manifest, and SQL beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import Column
from orchestrator.yaml_files import read_yaml

FOLDER = Path(__file__).parents[1] / "formats"
NOT_FOR_SELLERS = "not for sellers"


@dataclass(frozen=True)
class Records:
    """Which records of a file are read, and their columns.

    `columns` names each as SQL sees it, with its headings, of which there are several where a value
    is in pieces (a date and a time), and what it holds. `tag` and `header_tag` are the first fields
    of such records and of the one that names the columns, where the file has records of several
    kinds; without a header the columns are those after the tag.
    `minor_unit_of` is the column with the currency in whose minor units amounts are.
    """

    columns: Mapping[str, tuple[tuple[str, ...], Column]]
    tag: str | None = None
    header_tag: str | None = None
    minor_unit_of: str | None = None

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> "Records":
        """As a manifest has them: each column with what it holds, and its heading if other."""
        return cls(
            {
                name: ((name,), Column.of(said))
                if isinstance(said, str)
                else (_headings(said["heading"]), Column.of(said["holds"]))
                for name, said in words["columns"].items()
            },
            words.get("tag"),
            words.get("header_tag"),
            words.get("minor_unit_of"),
        )

    @property
    def is_positional(self) -> bool:
        return self.tag is not None and self.header_tag is None


def _headings(said: str | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


@dataclass(frozen=True)
class Format:
    """One kind of report.

    `order` and `seller` are the headings that name an order and a seller, the first that says one,
    unless the caller names another. `totals_file` says what to give as --totals, where the report
    has no total of its own. `ids_are_given`: a row's id is the processor's; else it is made of what
    the row says. `row_types` say what a type of row becomes, or why it is not for sellers.
    """

    name: str
    title: str
    source: str
    delimiter: str
    rows: Records
    totals: Records | None
    totals_file: str | None
    order: tuple[str, ...]
    seller: tuple[str, ...]
    zone: str | None
    zone_column: str | None
    ids_are_given: bool
    row_types: Mapping[str, str]

    def sql(self, step: str) -> str:
        """The query of this format for a step: parts or totals."""
        return (FOLDER / self.name / f"{step}.sql").read_text(encoding="utf-8")


def format_names() -> list[str]:
    """The formats there are, one folder each."""
    return sorted(path.parent.name for path in FOLDER.glob("*/manifest.yml"))


@cache
def format_named(name: str) -> Format:
    """The format of this name; raises SettleError where there is none."""
    if name not in format_names():
        raise SettleError(f"{name} is not a format; use one of {', '.join(format_names())}")
    said = read_yaml(FOLDER / name / "manifest.yml")
    totals = said.get("totals")
    return Format(
        name=name,
        title=said["title"],
        source=said["source"],
        delimiter=said.get("delimiter", ","),
        rows=Records.of(said["rows"]),
        totals=Records.of(totals) if totals else None,
        totals_file=totals.get("file") if totals else None,
        order=tuple(said["order"]),
        seller=tuple(said["seller"]),
        zone=said.get("zone"),
        zone_column=said.get("zone_column"),
        ids_are_given=said["ids"] == "given",
        row_types=said["row_types"],
    )
