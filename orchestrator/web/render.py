"""Templates and how they write numbers and instants. They format; SQL has computed."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from orchestrator.cells import cell, is_number
from orchestrator.web import labels

HERE = Path(__file__).parent
MINUS = "\N{MINUS SIGN}"


def money(value: str | Decimal | None) -> str:
    """1234.5 -> 1,234.50; below zero with a minus that lines up."""
    if value is None:
        return ""
    return f"{Decimal(value):,.2f}".replace("-", MINUS)


def local(value: str | datetime | None, zone: str) -> str:
    """An instant as a clock on the wall of the zone shows it."""
    if value is None:
        return ""
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return instant.astimezone(ZoneInfo(zone)).strftime("%a %-d %b %Y, %H:%M")


def day(value: str | date) -> str:
    """A calendar day."""
    found = date.fromisoformat(value) if isinstance(value, str) else value
    return found.strftime("%a %-d %b")


def minus_cell(value: Any) -> str:
    """One value of any query, as a table shows it; below zero with a minus that lines up."""
    return cell(value).replace("-", MINUS) if is_number(value) else cell(value)


def is_instant(value: Any) -> bool:
    """Whether it is kept on one line."""
    return isinstance(value, datetime)


def is_below_zero(value: str) -> bool:
    """Of an amount as text."""
    return value.startswith("-")


def is_nonzero(value: str | Decimal | None) -> bool:
    """Of an amount; none is nothing."""
    return value is not None and Decimal(value) != 0


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"money": money, "local": local, "day": day, "cell": minus_cell}
    environment.tests |= {"number": is_number, "instant": is_instant}
    environment.tests |= {"below_zero": is_below_zero, "nonzero": is_nonzero}
    environment.globals["words"] = labels
    return environment


_templates = _environment()


def page(
    template: str,
    context: Mapping[str, Any] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page of ours."""
    text = _templates.get_template(template).render(context or {})
    return HTMLResponse(text, status_code=status, headers=headers)


def message_page(
    status: int, title: str, message: str, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """One calm page that says what happened and what to do."""
    return page("message.html", {"title": title, "message": message}, status, headers)
