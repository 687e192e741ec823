"""`settle map`: SQL files that make a team's own tables the sources, one view each."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from orchestrator.config import PROJECT_ROOT
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES, Absent, Column, Source
from orchestrator.yaml_files import read_yaml

DEFINITIONS = PROJECT_ROOT / "models/staging/marketplace/_marketplace__sources.yml"
SCHEMA, OWN_SCHEMA = "mapping", "marketplace"
READERS = "settle_dbt, settle_analyst, settle_finance, settle_orchestrator"

_BEGIN = f"""\
-- Before the views. `settle map apply FOLDER` runs the files in the order of their names, all or
-- none, as the owner of the database. The views belong to settle_owner, so that nobody else decides
-- where sellers are paid. It reads your tables, and needs your leave: put your schema for "shop".
create schema if not exists {SCHEMA} authorization settle_owner;
grant usage on schema {SCHEMA} to {READERS};

-- grant usage on schema shop to settle_owner;
-- grant select on all tables in schema shop to settle_owner;
"""
_VIEW = """\
-- {description}
--
-- Put expressions over your own tables in place of the nulls, each cast to the same type, and your
-- tables in place of the last line. A column that may be left out counts as said without its line.
create or replace view {schema}.{table} as
select
{columns}
where false;

alter view {schema}.{table} owner to settle_owner;
grant select on {schema}.{table}
to {readers};
"""
_LEFT_OUT = {Absent.NOTHING: "none", Absent.WEEKLY: "weekly"}

_OTHER_TYPE = "42P16"
_KEEP_TYPES = (
    "; a view that is there keeps its types: cast the column, as its null was, and write"
    ' collate "default" behind an id of schema marketplace'
)


@dataclass(frozen=True)
class Definition:
    """What the models say of a source: of the table, and of each column its type and meaning."""

    description: str
    columns: dict[str, tuple[str, str]]
    warn_after_days: int | None


@cache
def definitions() -> dict[str, Definition]:
    """The marketplace's sources, by name, as the models have them."""
    said = read_yaml(DEFINITIONS)
    [source] = [source for source in said["sources"] if source["name"] == "marketplace"]
    usual = source["config"]["freshness"]
    return {
        table["name"]: Definition(
            " ".join(table["description"].split()),
            {c["name"]: (c["data_type"], c["description"]) for c in table["columns"]},
            _days(table.get("config", {}).get("freshness", usual)),
        )
        for table in source["tables"]
    }


def _days(freshness: dict[str, Any] | None) -> int | None:
    return None if freshness is None else int(freshness["warn_after"]["count"])


def may_be_left_out(column: Column) -> bool:
    """Whether a view of a team's own may lack the column; a table of ours has it anyhow."""
    return column.absent in _LEFT_OUT


def write_mapping(folder: Path) -> list[Path]:
    """Write the files; raises SettleError where one is there already."""
    files = {folder / "0_schema.sql": _BEGIN}
    for number, source in enumerate(SOURCES, start=1):
        files[folder / f"{number}_{source.table}.sql"] = _view(source)
    if there := [path for path in files if path.exists()]:
        raise SettleError(f"{there[0]} is there already: name another folder, or remove it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettleError(f"{error.filename}: {error.strerror}") from error
    return list(files)


def apply_mapping(connection: psycopg.Connection[Any], place: Path) -> list[Path]:
    """Run a file, or a folder's files by their names, in one transaction; needs the owner's login.

    Raises SettleError where one fails; then the views are as they were.
    """
    files = sorted(place.glob("*.sql")) if place.is_dir() else [place]
    if not files:
        raise SettleError(f"{place} has no file that ends in .sql; write them with settle map init")
    with connection.transaction():
        for path in files:
            try:
                connection.execute(path.read_bytes())
            except psycopg.Error as error:
                raise SettleError(
                    f"{path}{_line_of(error, path)}: {error.diag.message_primary}"
                    f"{_KEEP_TYPES if error.sqlstate == _OTHER_TYPE else ''}; nothing was changed"
                ) from error
            except OSError as error:
                raise SettleError(f"{error.filename}: {error.strerror}") from error
    return files


def takes_in(connection: psycopg.Connection[Any], source: tuple[str, str], table: str) -> bool:
    """Whether what the models read for a table is that of `settle import`, or a view over it."""
    if source == (OWN_SCHEMA, table):
        return True
    query = (
        "select exists (select from information_schema.view_table_usage as used"
        " where (used.view_schema, used.view_name, used.table_schema, used.table_name)"
        " = (%s, %s, %s, %s))"
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        [(is_over_it,)] = cursor.execute(query, (*source, OWN_SCHEMA, table)).fetchall()
    return bool(is_over_it)


def _line_of(error: psycopg.Error, path: Path) -> str:
    """The line of a file that an error is about, where the server names it."""
    position = error.diag.statement_position
    if position is None:
        return ""
    return f":{path.read_text(encoding='utf-8')[: int(position)].count(chr(10)) + 1}"


def _view(source: Source) -> str:
    definition = definitions()[source.table]
    columns = []
    for name, column in source.columns.items():
        kind, meaning = definition.columns[name]
        if column.absent in _LEFT_OUT:
            meaning += f"\n    -- May be left out: {_LEFT_OUT[column.absent]}."
        comma = "" if name == list(source.columns)[-1] else ","
        columns += [f"    -- {meaning}", f"    null::{kind} as {name}{comma}"]
    return _VIEW.format(
        description="\n-- ".join(wrap(definition.description, 97)),
        schema=SCHEMA,
        table=source.table,
        columns="\n".join(columns),
        readers=READERS,
    )
