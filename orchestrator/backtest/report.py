"""What a backtest measured, and what it does not tell."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

# What no history can tell, said wherever figures are shown.
LIMITS = (
    "Sellers would have behaved differently: who is paid later may sell less, and who cheats"
    " adapts.",
    "What buyers would have disputed, had a row that was paid been held or the other way round, is"
    " not known.",
    "Each row that nothing holds counts as paid when it is due: people's releases, failed payouts"
    " and returns of the real weeks are left out. Holds, blocks and wallets are as they were at"
    " each close.",
    "A seller who is gone from the marketplace's table is, in all weeks, as a build saw them last:"
    " nothing says since when. What changed twice between two builds was seen once.",
)


# What a line of a grid shows, and its head.
GRID_MEASURES = {
    "losses": "losses",
    "absorbed": "absorbed",
    "kept_money_days": "money kept x days",
    "payouts_delayed": "payouts delayed",
    "rows_flagged": "rows flagged",
    "flag_precision": "precision",
    "flag_recall": "recall",
}
# The same of a window.
WEEK_MEASURES = {
    "disputes_opened": "disputes",
    "recovered": "recovered",
    "avoided": "avoided",
    "charged_later": "charged later",
    "absorbed": "absorbed",
    "held": "held",
    "rows_flagged": "flagged",
    "payouts_delayed": "delayed",
    "known_share": "disputes known",
}
Rows = Sequence[dict[str, Any]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    tried: str
    first: str = Field(alias="from")
    last: str = Field(alias="to")
    currency: str
    delays: Rows
    limits: Sequence[str]

    @property
    def document(self) -> dict[str, Any]:
        """As a document: money and shares are numbers, windows their labels."""
        return self.model_dump(by_alias=True)


class Report(_Part):
    """What a backtest measured: money as decimals in the settlement currency, shares 0 to 1.

    `totals` has a row per measure, `weeks` one per policy and window, `delays` one per week after
    an order.
    """

    against: str | None
    totals: Rows
    weeks: Rows

    @property
    def immature(self) -> Sequence[str]:
        """The windows whose disputes are not known well enough to judge flags by."""
        return immature(self.weeks)


class GridReport(_Part):
    """What a grid measured: `policies` has a row for each, with its totals by measure, and whether
    it is on the frontier; `axes` are the numbers that were varied."""

    axes: Sequence[str]
    policies: Rows


def immature(weeks: Rows) -> Sequence[str]:
    """The windows that are so under any policy."""
    return sorted({week["payout_window"] for week in weeks if not week["is_mature"]})


def limits(weeks: Rows) -> Sequence[str]:
    """What the figures of these weeks do not tell."""
    young = immature(weeks)
    if not young:
        return LIMITS
    count = len({week["payout_window"] for week in weeks})
    sentence = (
        f"{len(young)} of {count} windows {'is' if len(young) == 1 else 'are'}"
        f" immature, from {young[0]} on: by the delays measured here, more disputes"
        " of their orders are still to come. Flags are judged without them, and losses on"
        " their orders are not complete."
    )
    return (*LIMITS, sentence)


def exact_json(value: Any) -> str:
    """The value as JSON, whose numbers are decimals to the last digit."""
    match value:
        case Decimal():
            return str(value)
        case datetime():
            return json.dumps(value.isoformat())
        case Mapping():
            pairs = (f"{json.dumps(name)}: {exact_json(one)}" for name, one in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list() | tuple():
            return f"[{', '.join(exact_json(one) for one in value)}]"
    return json.dumps(value)


def read_report(document: Mapping[str, Any]) -> Report | GridReport:
    """The report that a document has; of a grid where it has its axes."""
    kind = GridReport if "axes" in document else Report
    return kind.model_validate(document)
