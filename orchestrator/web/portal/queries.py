"""What the pages of a seller read: through the portal's login, about that seller alone."""

from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from orchestrator.database.connection import AS_IT_BEGAN, NEVER_PREPARED
from orchestrator.errors import SettleError
from orchestrator.web.errors import PageRefusedError
from orchestrator.web.portal.links import Link
from orchestrator.web.turns import MOST

ZONE = "select coalesce(%(zone)s, portal.settlement_timezone())"
STATEMENT = "select portal.statement(coalesce(%(zone)s, portal.settlement_timezone()))"
ORDERS = "select portal.reserve_orders(%(offset)s, %(limit)s)"
YEAR = "select portal.year_of_a_seller(%(year)s)"
RECEIPT = "select portal.receipt(%(window)s)"

# Planning takes longer than answering: functions keep the plan that is good for every seller.
KEEP_PLANS = "set local plan_cache_mode = force_generic_plan"
# The seller is named by the database itself, unless this link of theirs is revoked.
ENTER = "select portal.enter(%s, to_timestamp(%s))"

Document = dict[str, Any]
Question = tuple[str, dict[str, Any]]  # a query and its parameters beside the zone


class RevokedLinkError(PageRefusedError):
    """The link was one of ours, and somebody has revoked it."""

    def __init__(self) -> None:
        super().__init__(
            403, "This link was revoked", "Open your payouts from your dashboard again."
        )


class SellerData:
    """The portal's connections. Every question is asked in a transaction that names one seller.

    Raises RevokedLinkError for a link that is revoked.
    """

    def __init__(self, database: str) -> None:
        self._pool = ConnectionPool(
            database,
            min_size=0,
            max_size=MOST,
            timeout=5,
            open=False,
            name="portal",
            kwargs={"prepare_threshold": NEVER_PREPARED},
        )
        self._zones: frozenset[str] | None = None

    def open(self) -> None:
        """Begin to connect, as questions come."""
        self._pool.open()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def statement(self, link: Link, zone: str | None) -> Document | None:
        """Balances, releases, weeks, disputes, payouts; None for a seller nobody knows.

        `zone` is an IANA name; the settlement's own where it is None or unknown to the database.
        """
        found: Document | None
        [found] = self._ask(link, zone, (STATEMENT, {}))
        return found

    def statement_and_orders(
        self, link: Link, zone: str | None, offset: int, limit: int
    ) -> tuple[Document | None, list[Document]]:
        """The same, and orders in reserve, in one state of the database."""
        part = {"offset": offset, "limit": limit}
        statement, orders = self._ask(link, zone, (STATEMENT, {}), (ORDERS, part))
        return statement, orders

    def reserve_orders(self, link: Link, offset: int, limit: int) -> list[Document]:
        """Orders whose dispute window is open, those first that close first."""
        [found] = self._ask(link, None, (ORDERS, {"offset": offset, "limit": limit}))
        return list(found)

    def year(self, link: Link, year: int) -> Document | None:
        """What of a calendar year was ordered, became available and was paid."""
        found: Document | None
        [found] = self._ask(link, None, (YEAR, {"year": year}))
        return found

    def receipt(self, link: Link, window: str) -> Document | None:
        """What a payout pays; None where there was none in the window."""
        found: Document | None
        [found] = self._ask(link, None, (RECEIPT, {"window": window}))
        return found

    def receipt_and_zone(
        self, link: Link, window: str, zone: str | None
    ) -> tuple[Document | None, str]:
        """The same, and the zone that a page about it shows hours in."""
        receipt, shown = self._ask(link, zone, (RECEIPT, {"window": window}), (ZONE, {}))
        return receipt, str(shown)

    def _ask(self, link: Link, zone: str | None, *questions: Question) -> list[Any]:
        """The answer to each, asked together: the server is waited for once."""
        try:
            with self._pool.connection() as database:
                if self._zones is None:  # once: the server reads a file for each of its zones
                    found = database.execute("select name from pg_timezone_names").fetchall()
                    self._zones = frozenset(name for (name,) in found)
                    database.commit()
                known = zone if zone in self._zones else None
                with database.pipeline():
                    database.execute(AS_IT_BEGAN)  # whatever a view left behind for an earlier page
                    database.execute("set transaction isolation level repeatable read, read only")
                    database.execute(KEEP_PLANS)
                    # Until the end of the transaction: the next request begins without a seller.
                    is_good = database.execute(ENTER, [link.seller, link.issued])
                    asked = [
                        database.execute(query.encode(), {"zone": known} | values)
                        for query, values in questions
                    ]
                    if not _value(is_good):
                        raise RevokedLinkError
                    return [_value(cursor) for cursor in asked]
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise SettleError("the database does not answer") from error


def _value(cursor: psycopg.Cursor[Any]) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
