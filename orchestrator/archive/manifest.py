"""What a manifest says: what an archive has, what that comes to, and the hash of each file."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from orchestrator.errors import SettleError

NAME = "manifest.json"
FORMAT = 1
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class File:
    """One file: a gzipped CSV with a line of column names.

    `rows` counts the others; `sums` has, by currency and column, minor units. `text_sha256` is of
    the CSV before gzip: other versions of gzip make other bytes of the same text.
    """

    name: Annotated[str, Field(pattern="^[a-z_]+$")]
    relation: str
    columns: list[str]
    rows: int
    sums: dict[str, dict[str, str]]
    bytes: int
    sha256: Sha256
    text_sha256: Sha256

    @property
    def file_name(self) -> str:
        return f"{self.name}.csv.gz"


@dataclass(frozen=True)
class Manifest:
    """A year. `as_of` is the latest instant at which something in it was written or changed."""

    format: int
    settle: str
    installation_id: str
    year: Annotated[int, Field(ge=2000, le=9999)]
    settlement_timezone: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    windows: list[str]
    erased_sellers: list[str]
    files: list[File]

    @property
    def row_count(self) -> int:
        return sum(file.rows for file in self.files)

    def text(self) -> str:
        """As it is written: the same manifest has the same text."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, default=_plain) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an archive; raises SettleError where there is none that can be read."""
    path = folder / NAME
    try:
        found: Manifest = TypeAdapter(Manifest).validate_json(path.read_bytes())
    except OSError as error:
        raise SettleError(
            f"{folder} has no {NAME} ({error.strerror}): name the folder of an archive"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the text"
        raise SettleError(
            f"{path} is not as an archive's was written ({place}: {first['msg']}): take another"
            " copy of the archive"
        ) from error
    if found.format != FORMAT:
        raise SettleError(
            f"{path} has format {found.format}, and this version knows {FORMAT}: check it with"
            f" settle {found.settle}, or a later one than this"
        )
    return found


def latest(instants: Sequence[datetime | None]) -> datetime:
    """The latest of what is known."""
    return max(instant for instant in instants if instant is not None)


def _plain(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(value)
    return value.astimezone(UTC).isoformat()
