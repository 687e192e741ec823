"""`settle generate`: a marketplace to look at, the same for the same arguments.

All of it is made in SQL (sql/generate_*.sql) but for the wallets, whose formats SQL does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import base58
import psycopg
from eth_utils.address import to_checksum_address
from psycopg import sql
from psycopg.rows import tuple_row
from solders.keypair import Keypair

from orchestrator.database.connection import sql_file
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import FACTS, SOURCES, Source
from orchestrator.settlement.wallets import WalletFormat

SQL = Path(__file__).parent / "sql"
MAX_SELLERS = 1_000_000
MAX_WEEKS = 520
MAX_ORDERS = 100_000_000

LATE_TABLE = "create temporary table {late} (like pg_temp.{generated}) on commit drop"

_OTHER_FORMAT: dict[WalletFormat, WalletFormat] = {
    "TRC-20": "ERC-20",
    "ERC-20": "TRC-20",
    "SPL": "ERC-20",
}


@dataclass(frozen=True)
class Late:
    """Which share of the facts comes late, and the folder of the files to load them from."""

    folder: Path
    per_mille: int = 2


@dataclass(frozen=True)
class GenerateReport:
    """How many rows the generated marketplace has per table, and the instant it ends at.

    `is_noop`: they were all there already. `late` counts the rows that were written as files.
    """

    tables: Mapping[str, int]
    until: datetime
    is_noop: bool
    late: int = 0


def generate(
    connection: psycopg.Connection[Any],
    *,
    sellers: int = 4000,
    weeks: int = 8,
    orders_per_seller_week: int = 5,
    seed: int = 1,
    until: datetime,
    late: Late | None = None,
    bad_actors: Decimal = Decimal(0),
) -> GenerateReport:
    """Fill an empty marketplace with `weeks` of trade that end at `until`; needs the owner's login.

    `orders_per_seller_week` is the mean: few sellers have far more, most have less. Of the share
    `bad_actors` of sellers, 0 to 1, buyers dispute most orders. Facts that are to come late are
    left out, and written as files to load. Raises SettleError where the marketplace holds anything
    but exactly what this would generate.
    """
    if until.tzinfo is None:
        raise SettleError(f"until is {until}; give an instant with an offset")
    until = until.astimezone(UTC).replace(microsecond=0)
    _check_size("sellers", sellers, MAX_SELLERS)
    _check_size("weeks", weeks, MAX_WEEKS)
    _check_size("orders per seller and week", orders_per_seller_week, MAX_ORDERS)
    _check_size("orders", sellers * weeks * orders_per_seller_week, MAX_ORDERS)
    arguments = {
        "sellers": sellers,
        "weeks": weeks,
        "orders_per_seller_week": orders_per_seller_week,
        "seed": str(seed),
        "until": until.isoformat(),
        "bad_actors": str(bad_actors),
    }
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        begin = sql.SQL(sql_file("generate_begin", SQL))
        cursor.execute(begin.format(**{k: sql.Literal(v) for k, v in arguments.items()}))
        for file in ("currencies", "sellers"):
            cursor.execute(sql_file(f"generate_{file}", SQL).encode())
        _fill_wallets(cursor, seed)
        # Most rows are fees: they are not written down twice where nobody looks at them before.
        fees = sql.SQL("table" if late or _has_rows(cursor) else "view")
        for file in ("orders", "refunds", "order_fees", "dispute_events", "seller_charges"):
            cursor.execute(sql.SQL(sql_file(f"generate_{file}", SQL)).format(kind=fees))
        for source in SOURCES:
            cursor.execute(_for_source(LATE_TABLE, source))
            if late and source in FACTS:
                _take_out(cursor, source, seed, late.per_mille)
        is_noop = _is_stored(cursor)
        tables = {s.table: _count(cursor, s) for s in SOURCES} if is_noop else _store(cursor)
        late_count = sum(_write_late(cursor, s, late.folder) for s in FACTS) if late else 0
        cursor.execute(sql.SQL(sql_file("generate_end", SQL)).format(kind=fees))
    return GenerateReport(tables, until, is_noop, late_count)


def make_wallet(seed: int, number: int, wallet_format: WalletFormat, state: str) -> str:
    """The wallet of a generated seller.

    `state` is `valid`, `missing`, `broken` (as by a typo) or `other rail` (valid elsewhere).
    """
    if state == "missing":
        return ""
    chance = sha256(f"{seed}/wallet/{number}".encode()).digest()
    if state == "other rail":
        wallet_format = _OTHER_FORMAT[wallet_format]
    if wallet_format == "SPL":
        address = str(Keypair.from_seed(chance).pubkey())
        return address[:-3] if state == "broken" else address
    if wallet_format == "TRC-20":
        address = base58.b58encode_check(b"\x41" + chance[:20]).decode()
        last = "2" if address.endswith("1") else "1"
        return address[:-1] + last if state == "broken" else address
    address = to_checksum_address(chance[:20])
    if state == "broken":
        place = next(i for i, c in enumerate(address) if i > 1 and c.isalpha())
        address = address[:place] + address[place].swapcase() + address[place + 1 :]
    return address


def _check_size(what: str, value: int, maximum: int) -> None:
    if not 1 <= value <= maximum:
        raise SettleError(f"{value} {what} cannot be generated; use 1 to {maximum}")


def _fill_wallets(cursor: psycopg.Cursor[Any], seed: int) -> None:
    cursor.execute(
        "select number, wallet_format, wallet_state from pg_temp.generated_sellers order by number"
    )
    sellers = cursor.fetchall()
    cursor.execute(
        "create temporary table generated_wallets (number bigint, wallet_address text)"
        " on commit drop"
    )
    with cursor.copy("copy pg_temp.generated_wallets from stdin") as copy:
        for number, wallet_format, state in sellers:
            copy.write_row((number, make_wallet(seed, number, wallet_format, state)))
    cursor.execute(sql_file("generate_wallets", SQL).encode())


def _take_out(cursor: psycopg.Cursor[Any], source: Source, seed: int, per_mille: int) -> None:
    """Move the rows of a table that come late out of what is to be stored."""
    chance = {"seed": sql.Literal(str(seed)), "per_mille": sql.Literal(per_mille)}
    cursor.execute(_for_source(sql_file("generate_late", SQL), source, **chance))


def _write_late(cursor: psycopg.Cursor[Any], source: Source, folder: Path) -> int:
    """Write the rows of a table that come late as the file to load them from."""
    folder.mkdir(parents=True, exist_ok=True)
    query = "copy (select {columns} from pg_temp.{late} order by seller_id, {id}) to stdout"
    copy_rows = _for_source(f"{query} with (format csv, header)", source)
    with (folder / source.file_name).open("wb") as file, cursor.copy(copy_rows) as copy:
        for block in copy:
            file.write(block)
    return int(_ask(cursor, "select count(*) from pg_temp.{late}", source))


def _has_rows(cursor: psycopg.Cursor[Any]) -> bool:
    # On a cluster a subquery has a column.
    exists = "select exists (select 1 from marketplace.{table})"
    return any(_ask(cursor, exists, source) for source in SOURCES)


def _is_stored(cursor: psycopg.Cursor[Any]) -> bool:
    """True where all of it is stored, False where nothing is; anything else is refused."""
    if not _has_rows(cursor):
        return False
    for source in SOURCES:
        if not _ask(cursor, sql_file("generate_compare", SQL), source):
            raise SettleError(
                f"nothing was generated: marketplace.{source.table} holds other rows;"
                " use an empty database, or the same arguments as before"
            )
    return True


def _store(cursor: psycopg.Cursor[Any]) -> dict[str, int]:
    """Store all tables; the indexes of facts are dropped before and built anew after. Returns the
    rows of each."""
    unindex = sql.SQL(sql_file("generate_unindex", SQL))
    cursor.execute(unindex.format(tables=sql.Literal([s.table for s in FACTS])))
    stored = {}
    for source in SOURCES:
        cursor.execute(_for_source(sql_file("generate_store", SQL), source))
        stored[source.table] = cursor.rowcount
    cursor.execute(sql_file("generate_index", SQL).encode())
    return stored


def _count(cursor: psycopg.Cursor[Any], source: Source) -> int:
    return int(_ask(cursor, "select count(*) from pg_temp.{generated}", source))


def _ask(cursor: psycopg.Cursor[Any], query: str, source: Source) -> Any:
    answer = cursor.execute(_for_source(query, source)).fetchone()
    return answer[0] if answer else None


def _for_source(query: str, source: Source, **parameters: sql.Composable) -> sql.Composed:
    return sql.SQL(query).format(
        **parameters,
        table=sql.Identifier(source.table),
        generated=sql.Identifier(f"generated_{source.table}"),
        late=sql.Identifier(f"late_{source.table}"),
        id=sql.Identifier(source.id),
        columns=sql.SQL(", ").join(map(sql.Identifier, source.columns)),
    )
