"""What the pages of a seller read: through the portal's login, about that seller alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from orchestrator.errors import SettleError

Document = dict[str, Any]


class SellerData:
    """The portal's connections. Every question is asked in a transaction that names one seller."""

    def __init__(self, database: str) -> None:
        self._pool = ConnectionPool(
            database, min_size=0, max_size=8, timeout=5, open=False, name="portal"
        )
        self._zones: frozenset[str] | None = None

    def open(self) -> None:
        """Begin to connect, as questions come."""
        self._pool.open()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def statement(self, seller: str, zone: str | None) -> Document | None:
        """Balances, releases, weeks, disputes, payouts; None for a seller nobody knows.

        `zone` is an IANA name; the settlement's own where it is None or unknown to the database.
        """
        with self._about(seller) as database:
            if self._zones is None:  # asked once: the server reads a file for each of its zones
                found = database.execute("select name from pg_timezone_names").fetchall()
                self._zones = frozenset(name for (name,) in found)
            document: Document | None = _value(
                database,
                "select portal.statement(coalesce(%s, portal.settlement_timezone()))",
                zone if zone in self._zones else None,
            )
            return document

    def reserve_orders(self, seller: str, offset: int, limit: int) -> list[Document]:
        """Orders whose dispute window is open, those first that close first."""
        with self._about(seller) as database:
            found: list[Document] = _value(
                database, "select portal.reserve_orders(%s, %s)", offset, limit
            )
            return found

    def receipt(self, seller: str, window: str) -> Document | None:
        """What a payout pays; None where there was none in the window."""
        with self._about(seller) as database:
            found: Document | None = _value(database, "select portal.receipt(%s)", window)
            return found

    @contextmanager
    def _about(self, seller: str) -> Iterator[psycopg.Connection[Any]]:
        try:
            with self._pool.connection() as database:
                database.execute("set transaction isolation level repeatable read, read only")
                # Until the end of the transaction: the next request begins without a seller.
                database.execute("select set_config('portal.seller', %s, true)", [seller])
                yield database
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise SettleError("the database does not answer") from error


def _value(database: psycopg.Connection[Any], query: str, *parameters: Any) -> Any:
    row = database.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None
