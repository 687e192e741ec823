"""All that the environment decides: each variable once, with its type, default and description.

The documentation's reference is made from these fields. pydantic-settings would add a second reader
of `os.environ` to what pydantic does with one mapping, which tests pass as a dict.
"""

from dataclasses import field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from orchestrator.config.components import DAGSTER_URL_VARIABLE, Environment
from orchestrator.config.values import (
    KEY_PREFIX,
    PAGES_URL_VARIABLE,
    SHORTEST_SECRET,
    AlertUrl,
    DatabaseUrls,
    ErasureKey,
    EventSecrets,
    EventsUrl,
    Home,
    Instant,
    LinkSecrets,
    SafeUrl,
    Secrets,
    Url,
)

RECEIVER_PORT = 8378
LOCAL_PAGES = f"http://127.0.0.1:{RECEIVER_PORT}"
LOCAL_RAIL = "http://127.0.0.1:8377/api"


def _variable(
    name: str, description: str, default: Any = None, *, expected: str = "", **rules: Any
) -> Any:
    """A field read from a variable; `expected` says what to write where its value is refused."""
    return Field(
        default,
        validation_alias=name,
        description=description,
        json_schema_extra={"expected": expected},
        **rules,
    )


@dataclass(frozen=True, config=ConfigDict(populate_by_name=True, validate_default=True))
class Settings:
    """Everything the environment decides."""

    home: Home = _variable(
        "SETTLE_HOME", "Data, secrets and logs of the embedded server.", Path(".settle")
    )
    environment: Environment = _variable(
        "SETTLE_ENV",
        "What this installation is for: development, demo or production. It is kept in the"
        " database, and production is never left.",
        Environment.DEVELOPMENT,
        expected=f"use one of: {', '.join(Environment)}",
    )
    now: Instant | None = _variable(
        "SETTLE_NOW",
        "An instant that stands in for the clock, in ISO 8601 with an offset; refused in"
        " production.",
        expected="give an instant like 2026-11-16T00:15:00Z",
    )
    halfin_base_url: Url = _variable(
        "HALFIN_BASE_URL", "The rail's API; a local sandbox by default.", LOCAL_RAIL
    )
    halfin_api_key: str = _variable(
        "HALFIN_API_KEY", "The key of the rail's API; generated outside production.", "", repr=False
    )
    halfin_webhook_secrets: Secrets = _variable(
        "HALFIN_WEBHOOK_SECRET",
        "What the rail signs its webhooks with, two separated by a comma while rotating; generated"
        " outside production.",
        (),
        repr=False,
    )
    halfin_batch_path: str | None = _variable(
        "HALFIN_BATCH_PATH",
        "Where batches are posted; the assumed path by default.",
        pattern="^/",
        expected="write it like /v1/payouts/batch",
    )
    halfin_max_lines_per_call: int | None = _variable(
        "HALFIN_MAX_LINES_PER_CALL",
        "Lines in one call: 1 pays line by line through the documented call; all in one by"
        " default.",
        gt=0,
        lt=10**9,
        expected="give a whole number above 0, or nothing",
    )
    alert_url: AlertUrl = _variable(
        "SETTLE_ALERT_URL", "Where alerts are posted as JSON, each at least once.", ""
    )
    events_url: EventsUrl = _variable(
        "SETTLE_EVENTS_URL",
        "Where what concerns sellers is posted as JSON by the Standard Webhooks specification, each"
        " event at least once; nowhere by default.",
        "",
    )
    events_secrets: EventSecrets = _variable(
        "SETTLE_EVENTS_SECRET",
        f"What events are signed with: `{KEY_PREFIX}` and 24 to 64 bytes in base64, two separated"
        " by a comma while rotating (both sign); generated outside production.",
        (),
        repr=False,
    )
    link_secrets: LinkSecrets = _variable(
        "SETTLE_LINK_SECRET",
        f"What sellers' links are signed with, {SHORTEST_SECRET} characters or more, two separated"
        " by a comma while rotating (links are made with the first); generated outside production.",
        (),
        repr=False,
    )
    erasure_key: ErasureKey = _variable(
        "SETTLE_ERASURE_KEY",
        f"What names and wallets of erased sellers become pseudonyms with, {SHORTEST_SECRET}"
        " characters or more; never changed, and kept apart from backups; generated outside"
        " production.",
        "",
        repr=False,
    )
    pages_url: SafeUrl = _variable(
        PAGES_URL_VARIABLE, "Where people reach the pages, for links to them.", LOCAL_PAGES
    )
    raw_text_months: int = _variable(
        "SETTLE_RAW_TEXT_MONTHS",
        "How long raw webhooks, balances and responses of the rail are kept, 6 months or more. What"
        " was read from them, and their hashes, stay.",
        24,
        ge=6,
        le=1200,
        expected="give a whole number of months, 6 or more",
    )
    dagster_url: str | None = _variable(
        DAGSTER_URL_VARIABLE,
        "The database of Dagster's run history, on an external server.",
        repr=False,
    )
    # The components' logins on an external server; empty when the embedded one is used.
    urls: DatabaseUrls = field(default_factory=dict, repr=False)
    is_environment_given: bool = False

    @property
    def is_embedded(self) -> bool:
        return not self.urls
