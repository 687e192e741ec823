"""Templates and how they write numbers and instants. They format; SQL has computed."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from orchestrator.backtest.page import TEMPLATES
from orchestrator.decisions.decisions import monday_of
from orchestrator.formatting.cells import cell, is_number, visible
from orchestrator.web import labels

HERE = Path(__file__).parent
MINUS = "\N{MINUS SIGN}"
LONG = 20
# The longest first, as below_minimum is a part of another one.
CODE = re.compile(rf"\b({'|'.join(sorted(labels.CODES, key=len, reverse=True))})\b")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d[.\d]*[+-]\d\d:\d\d| \d\d:\d\d UTC)")


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


def period(label: str) -> str:
    """2026-11 -> November; 2026-Q4 -> October to December."""
    year, _, part = label.partition("-")
    if part.startswith("Q"):
        last = 3 * int(part[1:])
        return f"{date(int(year), last - 2, 1):%B} to {date(int(year), last, 1):%B}"
    return f"{date(int(year), int(part), 1):%B}"


def week(window: str, *, has_year: bool = False) -> str:
    """2026-W47 -> 16 to 22 November: its days, as somebody reads them who knows no ISO weeks."""
    first = monday_of(window)
    last = first + timedelta(days=6)
    begins = "%-d"
    if first.month != last.month:
        begins += " %B"
    if first.year != last.year:
        begins += " %Y"
    ends = "%-d %B %Y" if has_year or first.year != last.year else "%-d %B"
    return f"{first.strftime(begins)} to {last.strftime(ends)}"


def csv_line(values: Sequence[str | None]) -> Markup:
    """One row of a CSV file, as a form sends it back."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return as_it_is(line.getvalue().removesuffix("\r\n"))


def minus_cell(value: Any) -> str:
    """One value of any query, as a table shows it; below zero with a minus that lines up."""
    if isinstance(value, str):
        return value  # its line ends are harmless on a page
    return cell(value).replace("-", MINUS) if is_number(value) else cell(value)


def is_instant(value: Any) -> bool:
    """Whether a clock shows it; in a document it is text."""
    return isinstance(value, datetime) or (
        isinstance(value, str) and INSTANT.fullmatch(value) is not None
    )


def head(name: str) -> str:
    """The name of a column, as a table has it above."""
    return labels.HEADS.get(name, name.replace("_", " "))


def in_words(text: str | None) -> str:
    """The text with reasons and limits in words; their codes are those of files and commands."""
    return CODE.sub(lambda found: labels.CODES.get(found[0], found[0]), text or "")


def coded(value: Any) -> Any:
    """A value of a column of codes, in words: one that is not known without its underscores."""
    return in_words(value).replace("_", " ") if isinstance(value, str) else value


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of a table that have a value in any row; its age stands there in words."""
    return [
        name
        for name in rows[0]
        if name != "age_hours" and any(row[name] not in (None, "", []) for row in rows)
    ]


def clock(value: str | datetime) -> Sequence[str]:
    """An instant in UTC in two parts, between which a line may end: 2026-11-17, 08:00 UTC."""
    if isinstance(value, str) and value[10] == "T":
        value = datetime.fromisoformat(value)
    return cell(value).split(" ", 1)


def is_long(value: Any) -> bool:
    """Whether it has a line of its own where a row is shown below each other."""
    return isinstance(value, str | list) and len(cell(value)) > LONG


def is_word(value: Any) -> bool:
    """Whether it stays in one piece: ERC-20, 2026-W47."""
    return isinstance(value, str) and len(value) <= LONG and " " not in value


def is_below_zero(value: str) -> bool:
    """Of an amount as text."""
    return value.startswith("-")


def is_nonzero(value: str | Decimal | None) -> bool:
    """Of an amount; none is nothing."""
    return value is not None and Decimal(value) != 0


def _visible(value: Any) -> Any:
    """Each text on a page: nothing in it turns the direction of what stands beside it."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return visible(value, keep="\t\r\n") if is_text else value


def as_it_is(value: Any) -> Markup:
    """What a form sends back, to the character; it is not shown."""
    return escape(value)


def _environment() -> Environment:
    environment = Environment(
        # A backtest looks the same on the console and in the file of the command.
        loader=FileSystemLoader([HERE / "templates", TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"money": money, "local": local, "day": day, "cell": minus_cell}
    environment.filters |= {
        "week": week,
        "period": period,
        "csv_line": csv_line,
        "as_it_is": as_it_is,
    }
    environment.filters |= {"head": head, "columns": columns, "clock": clock}
    environment.filters |= {"in_words": in_words, "coded": coded}
    environment.tests |= {"number": is_number, "instant": is_instant}
    environment.tests |= {"long": is_long, "word": is_word}
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
