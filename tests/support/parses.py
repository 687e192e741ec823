"""What dbt has parsed, shared by all tests of a run: parsing takes as long as a small build.

dbt keeps it for who connects to the same place, as a model may read where that is. Ours read the
schema alone, and what is parsed names the database: for databases of one name it is the same,
whichever server of the tests they are on. So dbt is kept from comparing hosts.
"""

import functools
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.config import Settings
from orchestrator.dbt import runner
from tests.support.postgres import TEMPLATES

NAME = "partial_parse.msgpack"
# What else decides what is parsed, besides the files, which dbt looks at itself.
DECIDES = ("--vars", "--target", "--project-dir")


def share_parses() -> None:
    """From here on, in this process. It does not import dbt: who runs it has."""
    variables_of_dbt, folder = runner.variables_of_dbt, Path(os.environ[TEMPLATES]) / "parsed"

    @contextmanager
    def sharing(settings: Settings) -> Iterator[None]:
        _change_dbt(folder)
        with variables_of_dbt(settings):
            yield

    runner.variables_of_dbt = sharing


@functools.cache
def _change_dbt(folder: Path) -> None:
    from dbt.adapters.postgres.connections import PostgresCredentials
    from dbt.cli.main import dbtRunner

    keys, invoke = PostgresCredentials._connection_keys, dbtRunner.invoke

    def without_host(credentials: PostgresCredentials) -> tuple[str, ...]:
        return tuple(key for key in keys(credentials) if key != "host")

    def with_what_was_parsed(self: dbtRunner, arguments: list[str], **other: Any) -> Any:
        place = Path(_said(arguments, "--target-path") or os.environ["DBT_TARGET_PATH"]) / NAME
        kept = folder / _key(arguments)
        if kept.exists() and not place.exists():
            _copy(kept, place)
        result = invoke(self, arguments, **other)
        if place.exists() and not kept.exists():
            _copy(place, kept)
        return result

    PostgresCredentials._connection_keys = without_host
    dbtRunner.invoke = with_what_was_parsed


def _key(arguments: Sequence[str]) -> str:
    decides = [os.environ.get("SETTLE_DBT_DBNAME"), *(_said(arguments, word) for word in DECIDES)]
    return hashlib.sha256(repr(decides).encode()).hexdigest()


def _said(arguments: Sequence[str], word: str) -> str | None:
    return arguments[arguments.index(word) + 1] if word in arguments else None


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all: another process may look for it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, draft)
    draft.replace(target)
