"""Settings, read from the environment once per process.

`Settings` declares each variable once, with its type, default and description; the documentation's
reference is made from `variables()`. pydantic-settings would add a second reader of `os.environ`
to what pydantic does with one mapping, which tests pass as a dict.
"""

import os
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from orchestrator.errors import SettleError
from orchestrator.network.addresses import checked_url, is_loopback

PROJECT_ROOT = Path(__file__).resolve().parent.parent
RECEIVER_PORT = 8378
SHORTEST_SECRET = 32
KEY_PREFIX = "whsec_"  # of a secret of the Standard Webhooks specification
LOCAL_PAGES = f"http://127.0.0.1:{RECEIVER_PORT}"
PAGES_URL_VARIABLE = "SETTLE_PAGES_URL"
LOCAL_RAIL = "http://127.0.0.1:8377/api"


class Environment(StrEnum):
    """What this installation is for; only `production` may move real money."""

    DEVELOPMENT = "development"
    DEMO = "demo"
    PRODUCTION = "production"


class Component(StrEnum):
    """A part of the product with a database login of its own.

    The value is the login's name on the embedded server.
    """

    OWNER = "settle_admin"
    DBT = "dbt"
    ORCHESTRATOR = "orchestrator"
    WEBHOOK = "webhook"
    PORTAL = "portal"


URL_VARIABLES = {
    Component.OWNER: "SETTLE_DATABASE_URL",
    Component.DBT: "SETTLE_DBT_URL",
    Component.ORCHESTRATOR: "SETTLE_ORCHESTRATOR_URL",
    Component.WEBHOOK: "SETTLE_WEBHOOK_URL",
    Component.PORTAL: "SETTLE_PORTAL_URL",
}
# Not a component: it keeps the history of runs, in a database where no money is.
DAGSTER_URL_VARIABLE = "SETTLE_DAGSTER_URL"


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


def _split(text: object) -> object:
    """The values of comma-separated text."""
    return [s.strip() for s in text.split(",") if s.strip()] if isinstance(text, str) else text


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("no offset")
    return text


def _long_enough(found: tuple[str, ...]) -> tuple[str, ...]:
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise SettleError(
            f"SETTLE_LINK_SECRET is shorter than {SHORTEST_SECRET} characters:"
            " make one with: openssl rand -hex 32"
        )
    return found


def _long_key(found: str) -> str:
    if found and len(found) < SHORTEST_SECRET:
        raise SettleError(
            f"SETTLE_ERASURE_KEY is shorter than {SHORTEST_SECRET} characters:"
            " make one with: openssl rand -hex 32"
        )
    return found


def _keys(found: tuple[str, ...]) -> tuple[str, ...]:
    for secret in found:
        try:
            length = len(b64decode(secret.removeprefix(KEY_PREFIX), validate=True))
        except NotBase64:
            length = 0
        if not secret.startswith(KEY_PREFIX) or not 24 <= length <= 64:
            raise SettleError(
                f"SETTLE_EVENTS_SECRET is not {KEY_PREFIX} and 24 to 64 bytes in base64: make one"
                f' with: echo "{KEY_PREFIX}$(openssl rand -base64 32)"'
            )
    return found


def _database_urls(urls: Mapping[Component, str]) -> Mapping[Component, str]:
    for component, url in urls.items():
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            raise SettleError(
                f"{URL_VARIABLES[component]} is no database URL;"
                " write it like postgresql://login:password@host:5432/database"
            ) from None
    return urls


Secrets = Annotated[tuple[str, ...], BeforeValidator(_split)]
Url = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]
SafeUrl = Annotated[Url, AfterValidator(lambda url: checked_url(PAGES_URL_VARIABLE, url))]
AlertUrl = Annotated[
    str, AfterValidator(lambda url: checked_url("SETTLE_ALERT_URL", url) if url else url)
]
EventsUrl = Annotated[
    str, AfterValidator(lambda url: checked_url("SETTLE_EVENTS_URL", url) if url else url)
]


@dataclass(frozen=True, config=ConfigDict(populate_by_name=True, validate_default=True))
class Settings:
    """Everything the environment decides."""

    home: Annotated[Path, AfterValidator(lambda home: home.expanduser().absolute())] = _variable(
        "SETTLE_HOME", "Data, secrets and logs of the embedded server.", Path(".settle")
    )
    environment: Environment = _variable(
        "SETTLE_ENV",
        "What this installation is for: development, demo or production. It is kept in the"
        " database, and production is never left.",
        Environment.DEVELOPMENT,
        expected=f"use one of: {', '.join(Environment)}",
    )
    now: Annotated[str, AfterValidator(_instant)] | None = _variable(
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
    events_secrets: Annotated[Secrets, AfterValidator(_keys)] = _variable(
        "SETTLE_EVENTS_SECRET",
        f"What events are signed with: `{KEY_PREFIX}` and 24 to 64 bytes in base64, two separated"
        " by a comma while rotating (both sign); generated outside production.",
        (),
        repr=False,
    )
    link_secrets: Annotated[Secrets, AfterValidator(_long_enough)] = _variable(
        "SETTLE_LINK_SECRET",
        f"What sellers' links are signed with, {SHORTEST_SECRET} characters or more, two separated"
        " by a comma while rotating (links are made with the first); generated outside production.",
        (),
        repr=False,
    )
    erasure_key: Annotated[str, AfterValidator(_long_key)] = _variable(
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
    urls: Annotated[Mapping[Component, str], AfterValidator(_database_urls)] = field(
        default_factory=dict, repr=False
    )
    is_environment_given: bool = False

    @property
    def is_embedded(self) -> bool:
        return not self.urls


_FIELDS: Mapping[str, FieldInfo] = vars(Settings)["__pydantic_fields__"]
URL_DESCRIPTIONS = {
    Component.OWNER: "An external server: a login with `createrole` that owns the database; for"
    " migrations and the clock only.",
    Component.DBT: "There, the login of dbt, in the group `settle_dbt`.",
    Component.ORCHESTRATOR: "There, the login of Dagster and the command line, in the group"
    " `settle_orchestrator`.",
    Component.WEBHOOK: "There, the login of the webhook receiver, in the group `settle_webhook`.",
    Component.PORTAL: "There, the login of the sellers' pages, in the group `settle_portal`.",
}


def variables() -> dict[str, str]:
    """The variables that are read, with their descriptions."""
    described = {
        str(found.validation_alias): found.description or ""
        for found in _FIELDS.values()
        if found.validation_alias
    }
    return described | {URL_VARIABLES[c]: text for c, text in URL_DESCRIPTIONS.items()}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, an empty variable as one not set; SettleError where one is refused."""
    given = os.environ if environ is None else environ
    env = {name: text for name, text in given.items() if text}
    try:
        settings: Settings = TypeAdapter(Settings).validate_python(
            {name: env[name] for name in variables() if name in env}
            | {"urls": {c: env[v] for c, v in URL_VARIABLES.items() if v in env}}
            | {"is_environment_given": "SETTLE_ENV" in env}
        )
    except ValidationError as error:
        raise SettleError(_refusal(str(error.errors()[0]["loc"][0]), env)) from None
    if settings.now and settings.environment is Environment.PRODUCTION:
        raise SettleError(
            "SETTLE_NOW is refused in production: unset it, the clock is the real one"
        )
    if settings.environment is Environment.PRODUCTION:
        for component, url in settings.urls.items():
            _refuse_unchecked(URL_VARIABLES[component], url)
        if settings.dagster_url:
            _refuse_unchecked(
                DAGSTER_URL_VARIABLE, settings.dagster_url.replace("+psycopg2", "", 1)
            )
    return settings


def _refuse_unchecked(variable: str, url: str) -> None:
    """In production a server that is not this machine proves by certificate who it is."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return  # whoever connects says what is wrong with it
    hosts = [*str(parts.get("host") or "").split(","), str(parts.get("hostaddr") or "")]
    is_remote = any(h and not h.startswith(("/", "@")) and not is_loopback(h) for h in hosts)
    if is_remote and parts.get("sslmode") != "verify-full":
        raise SettleError(
            f"{variable} names a remote database without sslmode=verify-full: in production add"
            " ?sslmode=verify-full&sslrootcert=FILE"
        )


def _refusal(variable: str, env: Mapping[str, str]) -> str:
    """The value is shown only where a field says what is expected: others may be secrets."""
    for found in _FIELDS.values():
        extra = found.json_schema_extra
        if found.validation_alias == variable and isinstance(extra, dict) and extra["expected"]:
            return f"{variable} is {env[variable]!r}; {extra['expected']}"
    return f"{variable} is no UTF-8 text: set it again"
