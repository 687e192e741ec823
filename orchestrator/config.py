"""Settings, read from the environment once per process."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from orchestrator.errors import SettleError
from orchestrator.net import checked_url, is_loopback

PROJECT_ROOT = Path(__file__).resolve().parent.parent
RECEIVER_PORT = 8378
SHORTEST_SECRET = 32
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


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides.

    `urls` holds the component URLs of an external server and is empty when the embedded one is
    used. `now` is the instant that stands in for the clock, as ISO 8601 text with an offset.
    """

    home: Path
    environment: Environment
    is_environment_given: bool
    urls: Mapping[Component, str]
    now: str | None
    halfin_base_url: str
    halfin_api_key: str
    halfin_webhook_secrets: tuple[str, ...]
    # Where batches are posted; None is the assumed path.
    halfin_batch_path: str | None
    # 1 pays line by line through the documented call; None sends all lines in one.
    halfin_max_lines_per_call: int | None
    alert_url: str
    # Two while rotating: links are made with the first.
    link_secrets: tuple[str, ...] = ()
    # Where people reach the pages, without a slash at its end.
    pages_url: str = LOCAL_PAGES
    dagster_url: str | None = None

    @property
    def is_embedded(self) -> bool:
        return not self.urls


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raises SettleError where they contradict each other."""
    env = os.environ if environ is None else environ
    name = env.get("SETTLE_ENV") or Environment.DEVELOPMENT.value
    try:
        environment = Environment(name)
    except ValueError:
        choices = ", ".join(e.value for e in Environment)
        raise SettleError(f"SETTLE_ENV is {name!r}; use one of: {choices}") from None
    now = env.get("SETTLE_NOW") or None
    if now and environment is Environment.PRODUCTION:
        raise SettleError(
            "SETTLE_NOW is refused in production: unset it, the clock is the real one"
        )
    if now and not _is_instant(now):
        raise SettleError(f"SETTLE_NOW is {now!r}; give an instant like 2026-11-16T00:15:00Z")
    urls = {c: env[v] for c, v in URL_VARIABLES.items() if env.get(v)}
    for component, url in urls.items():
        if not _is_database_url(url):
            raise SettleError(
                f"{URL_VARIABLES[component]} is no database URL;"
                " write it like postgresql://login:password@host:5432/database"
            )
        if environment is Environment.PRODUCTION:
            _refuse_unchecked(URL_VARIABLES[component], url)
    rail = (env.get("HALFIN_BASE_URL") or LOCAL_RAIL).rstrip("/")
    if environment is Environment.PRODUCTION and env.get(DAGSTER_URL_VARIABLE):
        _refuse_unchecked(
            DAGSTER_URL_VARIABLE, env[DAGSTER_URL_VARIABLE].replace("+psycopg2", "", 1)
        )
    return Settings(
        home=Path(env.get("SETTLE_HOME") or ".settle").expanduser().absolute(),
        environment=environment,
        is_environment_given=bool(env.get("SETTLE_ENV")),
        urls=urls,
        now=now,
        halfin_base_url=rail,
        halfin_api_key=env.get("HALFIN_API_KEY") or "",
        halfin_webhook_secrets=_secrets(env, "HALFIN_WEBHOOK_SECRET"),
        halfin_batch_path=_path(env.get("HALFIN_BATCH_PATH") or None),
        halfin_max_lines_per_call=_count(env, "HALFIN_MAX_LINES_PER_CALL"),
        alert_url=_alert_url(env.get("SETTLE_ALERT_URL") or ""),
        link_secrets=_link_secrets(env),
        pages_url=_pages_url(env.get(PAGES_URL_VARIABLE) or LOCAL_PAGES),
        dagster_url=env.get(DAGSTER_URL_VARIABLE) or None,
    )


def _secrets(env: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(s.strip() for s in (env.get(variable) or "").split(",") if s.strip())


def _link_secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    found = _secrets(env, "SETTLE_LINK_SECRET")
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise SettleError(
            f"SETTLE_LINK_SECRET is shorter than {SHORTEST_SECRET} characters:"
            " make one with: openssl rand -hex 32"
        )
    return found


def _path(text: str | None) -> str | None:
    if text is not None and not text.startswith("/"):
        raise SettleError(f"HALFIN_BATCH_PATH is {text!r}; write it like /v1/payouts/batch")
    return text


def _count(env: Mapping[str, str], variable: str) -> int | None:
    text = env.get(variable) or ""
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise SettleError(f"{variable} is {text!r}; give a whole number above 0, or nothing")
    return int(text) if text else None


def _alert_url(text: str) -> str:
    return checked_url("SETTLE_ALERT_URL", text) if text else ""


def _pages_url(text: str) -> str:
    return checked_url(PAGES_URL_VARIABLE, text).rstrip("/")


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


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


def _is_database_url(text: str) -> bool:
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        return False
    return True
