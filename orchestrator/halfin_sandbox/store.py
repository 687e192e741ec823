"""The books on disk: a snapshot as JSON, and beside it a journal of what came since.

A change costs what it adds, however much is there already.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from orchestrator.errors import SettleError
from orchestrator.halfin_sandbox.payouts import Json

BY_KEY, LISTED = ("payouts", "batches", "keys"), ("ledger", "deliveries")


class Store:
    """Where the books are kept; nowhere without a path. Rows that are noted are read on commit."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._journal: IO[bytes] | None = None
        self._noted: dict[str, Json] = {}
        self._forget()

    def load(self) -> Iterator[Json]:
        """What an earlier run kept, oldest first: payouts, batches, keys, ledger, deliveries.

        A row may come twice, the later one holds.
        """
        path, journal = self._path, self._journal_path()
        try:
            if path is not None and path.exists():
                yield json.loads(path.read_bytes())
            path = journal
            if path is not None and path.exists():
                # What has no newline at its end was cut off while it was written.
                yield from map(json.loads, path.read_bytes().split(b"\n")[:-1])
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from None

    def note(self, kind: str, key: object, row: object) -> None:
        """Have a new or changed row written by the next commit."""
        if self._path is not None:
            self._noted[kind][str(key)] = row

    def commit(self) -> None:
        """Write what was noted: all of it or, where the process dies, nothing."""
        path = self._journal_path()
        if path is None or not any(self._noted.values()):
            return
        change: Json = {kind: self._noted[kind] for kind in BY_KEY}
        change |= {kind: list(self._noted[kind].values()) for kind in LISTED}
        if self._journal is None:
            self._journal = path.open("ab")
        self._journal.write(json.dumps(change).encode() + b"\n")
        self._journal.flush()
        self._forget()

    def snapshot(self, books: Json) -> None:
        """Write the books as they stand, whole or not at all, and begin a new journal."""
        path, journal = self._path, self._journal_path()
        if path is None or journal is None:
            return
        draft = path.with_name(f"{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(books))
            draft.replace(path)
        except OSError as error:
            raise SettleError(
                f"the sandbox's books cannot be written to {path} ({error.strerror}):"
                " choose another --state-file"
            ) from None
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        journal.unlink(missing_ok=True)
        self._forget()

    def _journal_path(self) -> Path | None:
        return self._path and self._path.with_name(f"{self._path.name}.journal")

    def _forget(self) -> None:
        self._noted = {kind: {} for kind in BY_KEY + LISTED}


def unreadable(path: Path | None, error: Exception) -> SettleError:
    return SettleError(
        f"the sandbox's books in {path} cannot be read ({error}): repair or remove the file"
    )
