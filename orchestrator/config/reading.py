"""The environment as settings, and what an installation must say in production."""

import os
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from orchestrator.config.components import (
    DAGSTER_URL_VARIABLE,
    URL_DESCRIPTIONS,
    URL_VARIABLES,
    Environment,
)
from orchestrator.config.settings import Settings
from orchestrator.errors import SettleError
from orchestrator.network.addresses import is_loopback

_FIELDS: Mapping[str, FieldInfo] = vars(Settings)["__pydantic_fields__"]


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
    return f"{variable} is not UTF-8 text: set it again"
