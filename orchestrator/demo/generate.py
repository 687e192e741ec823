"""`settle generate`: a marketplace to look at, the same for the same arguments.

All of it is made in SQL (sql/generate_*.sql) but for the wallets, whose formats SQL does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import base58
import psycopg
from eth_utils.address import to_checksum_address
from psycopg import sql
from psycopg.rows import tuple_row

from orchestrator.database.connection import sql_file
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES, Source
from orchestrator.settlement.wallets import WalletFormat

SQL = Path(__file__).parent / "sql"
MAX_SELLERS = 1_000_000
MAX_WEEKS = 520
MAX_ORDERS = 100_000_000

_OTHER_FORMAT: dict[WalletFormat, WalletFormat] = {
    "TRC-20": "ERC-20",
    "ERC-20": "TRC-20",
    "SPL": "ERC-20",
}


@dataclass(frozen=True)
class GenerateReport:
    """How many rows the generated marketplace has per table, and the instant it ends at.

    `is_noop`: they were all there already.
    """

    tables: Mapping[str, int]
    until: datetime
    is_noop: bool


def generate(
    connection: psycopg.Connection[Any],
    *,
    sellers: int = 4000,
    weeks: int = 8,
    orders_per_seller_week: int = 5,
    seed: int = 1,
    until: datetime,
) -> GenerateReport:
    """Fill an empty marketplace with `weeks` of trade that end at `until`; needs the owner's login.

    `orders_per_seller_week` is the mean: few sellers have far more, most have less. Raises
    SettleError where the marketplace holds anything but exactly what this would generate.
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
    }
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        begin = sql.SQL(sql_file("generate_begin", SQL))
        cursor.execute(begin.format(**{k: sql.Literal(v) for k, v in arguments.items()}))
        cursor.execute(sql_file("generate_sellers", SQL).encode())
        _fill_wallets(cursor, seed)
        for file in ("orders", "refunds", "order_fees", "dispute_events"):
            cursor.execute(sql_file(f"generate_{file}", SQL).encode())
        is_noop = _is_stored(cursor)
        if not is_noop:
            _store(cursor)
        tables = {s.table: _count(cursor, s) for s in SOURCES}
        cursor.execute(sql_file("generate_end", SQL).encode())
    return GenerateReport(tables, until, is_noop)


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
        address = base58.b58encode(chance).decode()
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


def _is_stored(cursor: psycopg.Cursor[Any]) -> bool:
    """True where all of it is stored, False where nothing is; anything else is refused."""
    if not any(_ask(cursor, "select exists (select from marketplace.{table})", s) for s in SOURCES):
        return False
    for source in SOURCES:
        if not _ask(cursor, sql_file("generate_compare", SQL), source):
            raise SettleError(
                f"nothing was generated: marketplace.{source.table} holds other rows;"
                " use an empty database, or the same arguments as before"
            )
    return True


def _store(cursor: psycopg.Cursor[Any]) -> None:
    """Store all tables; their indexes are dropped before and built anew after."""
    unindex = sql.SQL(sql_file("generate_unindex", SQL))
    cursor.execute(unindex.format(tables=sql.Literal([s.table for s in SOURCES])))
    for source in SOURCES:
        cursor.execute(_for_source(sql_file("generate_store", SQL), source))
    cursor.execute(sql_file("generate_index", SQL).encode())


def _count(cursor: psycopg.Cursor[Any], source: Source) -> int:
    return int(_ask(cursor, "select count(*) from pg_temp.{generated}", source))


def _ask(cursor: psycopg.Cursor[Any], query: str, source: Source) -> Any:
    answer = cursor.execute(_for_source(query, source)).fetchone()
    return answer[0] if answer else None


def _for_source(query: str, source: Source) -> sql.Composed:
    return sql.SQL(query).format(
        table=sql.Identifier(source.table),
        generated=sql.Identifier(f"generated_{source.table}"),
        key=sql.Identifier(source.key),
        columns=sql.SQL(", ").join(map(sql.Identifier, source.columns)),
    )
