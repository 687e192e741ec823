"""`settle import` of reports in the shapes that processors publish."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.loading.csv_files import FACTS
from orchestrator.loading.imports.options import ImportReport, Options
from orchestrator.loading.imports.run import import_reports
from orchestrator.loading.pipeline import LoadRefused

REPORTS = Path(__file__).parent / "reports"
BORNE_BY_SELLERS = Options(fees="seller")
SAMPLES = {
    "adyen": REPORTS / "adyen.csv",
    "amazon": REPORTS / "amazon.txt",
    "paypal": REPORTS / "paypal.csv",
    "paypal-activity": REPORTS / "paypal_activity.csv",
    "shopify": REPORTS / "shopify.csv",
    "stripe": REPORTS / "stripe.csv",
}
USUAL: dict[str, dict[str, Any]] = {
    "amazon": {"sellers": REPORTS / "amazon_sellers.csv"},
    "paypal-activity": {"date_order": "mdy"},
    "shopify": {
        "totals": REPORTS / "shopify_payouts.csv",
        "sellers": REPORTS / "shopify_sellers.csv",
        "seller_from": "Order",
    },
    "stripe": {"totals": REPORTS / "stripe_summary.csv"},
}
FORMATS = pytest.mark.parametrize("name", sorted(SAMPLES))


class Importer:
    """Imports into an empty marketplace with two sellers; a file by its name or its text."""

    def __init__(self, connection: psycopg.Connection[Any], folder: Path) -> None:
        self.connection, self._folder = connection, folder
        for seller in ("s1", "s2"):
            connection.execute(
                "insert into marketplace.sellers values"
                " (%s, %s, 'EU', false, '', 'active', true, '2026-01-01', '2026-01-01')",
                (seller, seller),
            )

    def file(self, name: str, text: str | bytes) -> Path:
        path = self._folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def __call__(self, name: str, *files: Path, **said: Any) -> ImportReport:
        usual = replace(BORNE_BY_SELLERS, **USUAL.get(name, {}))
        return import_reports(
            self.connection, name, files or (SAMPLES[name],), replace(usual, **said)
        )

    def refused(self, name: str, *files: Path, **said: Any) -> list[str]:
        with pytest.raises(LoadRefused) as refusal:
            self(name, *files, **said)
        assert not self.facts()
        return refusal.value.lines

    def facts(self) -> dict[str, int]:
        counts = {s.table: self.rows(f"select count(*) from marketplace.{s.table}") for s in FACTS}
        return {table: count for table, [(count,)] in counts.items() if count}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()
