"""The text of a variable as a value; SettleError, or ValueError, where it is not one."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator

from orchestrator.config.components import URL_VARIABLES, Component
from orchestrator.errors import SettleError
from orchestrator.network.addresses import checked_url

PAGES_URL_VARIABLE = "SETTLE_PAGES_URL"
SHORTEST_SECRET = 32
KEY_PREFIX = "whsec_"  # of a secret of the Standard Webhooks specification


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
                f"{URL_VARIABLES[component]} is not a database URL;"
                " write it like postgresql://login:password@host:5432/database"
            ) from None
    return urls


Home = Annotated[Path, AfterValidator(lambda home: home.expanduser().absolute())]
Instant = Annotated[str, AfterValidator(_instant)]
Secrets = Annotated[tuple[str, ...], BeforeValidator(_split)]
LinkSecrets = Annotated[Secrets, AfterValidator(_long_enough)]
EventSecrets = Annotated[Secrets, AfterValidator(_keys)]
ErasureKey = Annotated[str, AfterValidator(_long_key)]
DatabaseUrls = Annotated[Mapping[Component, str], AfterValidator(_database_urls)]
Url = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]
SafeUrl = Annotated[Url, AfterValidator(lambda url: checked_url(PAGES_URL_VARIABLE, url))]
AlertUrl = Annotated[
    str, AfterValidator(lambda url: checked_url("SETTLE_ALERT_URL", url) if url else url)
]
EventsUrl = Annotated[
    str, AfterValidator(lambda url: checked_url("SETTLE_EVENTS_URL", url) if url else url)
]
