"""Files that nobody would write: they load whole, or are refused in clear lines without a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.load import load_directory
from orchestrator.loading.pipeline import LoadRefused

Connection = psycopg.Connection[Any]

AT = "2026-11-02T09:30:00Z"
HEADERS = {source.file_name: ",".join(source.columns) for source in SOURCES}
ROWS = {
    "sellers.csv": [
        's1,"Shop, Inc",EU,false,,active,true,{0},{0},monthly,20',
        "s2,Two,US,true,w,closed,,{0},{0},,",
    ],
    "orders.csv": ["o1,c1,s1,USD,100.00,,{0},{0}", "o2,c1,s2,EUR,7.5,1.0837,{0},"],
    "order_fees.csv": ["f1,o1,s1,commission,12.00,{0},{0}", "f2,o2,s2,ads,-0.3,{0},{0}"],
    "refunds.csv": ["r1,o1,s1,20.50,{0},{0},damaged,", "r2,o1,s1,20.50,{0},,bounced,r1"],
    "dispute_events.csv": ["e1,d1,o1,s1,opened,100.00,{0},{0}", "e2,d1,o1,s1,withdrawn,,{0},"],
    "seller_charges.csv": ["h1,s1,subscription,29.00,{0},{0},November", "h1,s2,top_up,-5,{0},,"],
}
FILES = {
    name: "\n".join([HEADERS[name], *(row.format(AT) for row in found)]).encode() + b"\n"
    for name, found in ROWS.items()
}
# What breaks readers: ends of lines and fields, quotes, NUL, no UTF-8, long, and any digit.
PIECES = st.binary(max_size=4) | st.sampled_from(
    (
        *(b"", b"\x00", b'"', b'""', b",", b"\n", b"\r", b"\xff\xfe", b"\xef\xbb\xbf", b"\\."),
        *(b"\xc2\xa0", b"\xe2\x80\xae", b"NaN", b"infinity", b"1e9", b"-", b"=1+1"),
        *(b"9" * 400, b"x" * 5_000),
    )
)


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, bytes]:
    """One of the good files, cut and mended in up to four places."""
    name = draw(st.sampled_from(sorted(FILES)))
    content = FILES[name]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        content = content[:start] + draw(PIECES) + content[end:]
    return name, content


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[Connection]:
    """An empty marketplace in a transaction that nobody commits."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        connection.execute("select 1")
        yield connection
        connection.rollback()


def contents(database: Connection) -> list[tuple[Any, ...]]:
    counts = " union all ".join(f"select count(*) from marketplace.{s.table}" for s in SOURCES)
    return database.execute(counts.encode()).fetchall()


FUZZED = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZED
@given(changed=broken())
def test_all_or_nothing_and_in_clear_lines(
    database: Connection, tmp_path: Path, changed: tuple[str, bytes]
) -> None:
    loads_all_or_nothing(database, tmp_path, changed)


@pytest.mark.many("the same again: make test draws thirty")
@settings(FUZZED, max_examples=150)
@given(changed=broken())
def test_all_or_nothing_of_many(
    database: Connection, tmp_path: Path, changed: tuple[str, bytes]
) -> None:
    loads_all_or_nothing(database, tmp_path, changed)


def loads_all_or_nothing(database: Connection, tmp_path: Path, changed: tuple[str, bytes]) -> None:
    for name, content in {**FILES, changed[0]: changed[1]}.items():
        (tmp_path / name).write_bytes(content)
    with database.transaction(force_rollback=True):
        try:
            report = load_directory(database, tmp_path)
        except SettleError as error:
            refusal = error
        else:
            loaded = [report.tables[s.table].inserted for s in SOURCES]
            assert contents(database) == [(n,) for n in loaded]
            return
        assert contents(database) == [(0,)] * len(SOURCES)
    lines = refusal.lines if isinstance(refusal, LoadRefused) else []
    for line in (str(refusal), *lines):
        # No ends of lines, no control, nothing that turns the writing around.
        assert not {category(c) for c in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}, ascii(line)
        assert 10 < len(line) < 1_000
