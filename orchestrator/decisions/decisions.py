"""The decisions of decisions.yml: their fields checked, carried out under a person's login."""

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from orchestrator.config import Settings
from orchestrator.database.connection import connect_as, rows, rows_of
from orchestrator.decisions.csv_rows import rows_of_file
from orchestrator.decisions.erasure_key import seller_key
from orchestrator.errors import SettleError
from orchestrator.yaml_files import read_yaml

MAX_ID = 2**63 - 1


def _any(value: str) -> str:
    return value


def monday_of(window: str) -> date:
    """2026-W47 -> 2026-11-16; ValueError where there is no such week."""
    parts = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", window)
    if parts is None:
        raise ValueError(window)
    return date.fromisocalendar(int(parts[1]), int(parts[2]), 1)


def check_window(value: str) -> str:
    """An ISO week that exists."""
    try:
        monday_of(value)
    except ValueError:
        raise ValueError(f"{value!r} is not an ISO week; write it like 2026-W47") from None
    return value


def check_note(value: str) -> str:
    """A reason that somebody can read."""
    if not value:
        raise ValueError("the note is empty; say why")
    return value


def check_wallet(value: str) -> str:
    """The address of a wallet, whatever its network."""
    if not value:
        raise ValueError("the wallet is empty; give its address")
    return value


def check_amount(value: str) -> str:
    """Decimal text with at most two places; SQL makes minor units of it."""
    if not re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,2})?", value):
        raise ValueError(
            f"{value!r} is not an amount; write it like 12.50 or -3.00, with at most two places"
        )
    return value


def check_change(value: str) -> str:
    """An amount that changes something."""
    if not check_amount(value).strip("-0."):
        raise ValueError("an adjustment of 0 changes nothing; write it like 12.50 or -3.00")
    return value


def check_bound(value: str) -> str:
    """An amount that can be a limit."""
    if check_amount(value).startswith("-"):
        raise ValueError(f"{value!r} is below 0, which no limit can be")
    return value


def check_id(value: str) -> str:
    """The number of something."""
    if not re.fullmatch(r"[0-9]{1,19}", value) or not 1 <= int(value) <= MAX_ID:
        raise ValueError(f"{value!r} is not an id; it is a whole number from 1")
    return value


CHECKS: Mapping[str, Callable[[str], str]] = {
    "amount": check_amount,
    "bound": check_bound,
    "change": check_change,
    "id": check_id,
    "note": check_note,
    "wallet": check_wallet,
    "window": check_window,
}


@dataclass(frozen=True)
class Field:
    """One value of a decision."""

    name: str
    help: str | None = None
    check: Callable[[str], str] = _any  # returns the value, or raises ValueError with why not
    is_option: bool = False
    is_required: bool = True
    metavar: str | None = None
    choices: Sequence[str] = ()
    # Of a field that is the text of a CSV file: its columns, and whether each is required.
    file: Mapping[str, bool] | None = None

    def checked(self, value: str) -> str:
        """The value for the query. Raises SettleError with what is wrong."""
        if self.file and value.strip():
            return rows_of_file(value, self.file)
        try:
            checked = self.check(value.strip())
        except ValueError as error:
            raise SettleError(str(error)) from None
        if checked and self.choices and checked not in self.choices:
            known = ", ".join(self.choices)
            raise SettleError(f"{checked!r} is not one of the {self.name}s: {known}")
        if self.is_required and not checked:
            raise SettleError(f"the {self.name} is empty; fill it in")
        if "\0" in checked:
            raise SettleError(f"the {self.name} has a character that cannot be stored")
        return checked


class _Sentences(string.Formatter):
    """`{row_count:seller|sellers}`: a count with the word for one, or for several."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, has_words, several = format_spec.partition("|")
        if not has_words:
            return str(super().format_field(value, format_spec))
        return f"{value} {one if value == 1 else several}"


@dataclass(frozen=True)
class Decision:
    """One entry of decisions.yml, which says what each of these means."""

    name: str
    verb: str
    fields: tuple[Field, ...]
    query: str
    sentence: str
    help: str | None = None
    otherwise: str | None = None
    next_verb: str | None = None
    then_read: str | None = None
    keyed_by: str | None = None

    def message(self, values: Mapping[str, Any]) -> str:
        """What to tell the person who decided."""
        sentence = self.sentence
        if self.otherwise is not None and not values["is_done"]:
            sentence = self.otherwise
        return _Sentences().vformat(sentence, (), values)

    def next_step(self, values: Mapping[str, Any]) -> str | None:
        """The command that another person runs next."""
        return self.next_verb.format_map(values) if self.next_verb else None


def _field(given: Mapping[str, Any]) -> Field:
    check = given.get("check")
    return Field(**{**given, "check": CHECKS[check] if check else _any})


def _decision(name: str, given: Mapping[str, Any]) -> Decision:
    """Its fields by name where several decisions share one, else in place."""
    fields = tuple(FIELDS[f] if isinstance(f, str) else _field(f) for f in given["fields"])
    return Decision(**{**given, "name": name, "fields": fields})


_WRITTEN = read_yaml(Path(__file__).with_suffix(".yml"))
FIELDS = {name: _field(given) for name, given in _WRITTEN["fields"].items()}
DECISIONS: Mapping[str, Decision] = {
    name: _decision(name, given) for name, given in _WRITTEN["decisions"].items()
}


def decide(
    settings: Settings, who: str, password: str, decision: Decision, given: Mapping[str, str]
) -> dict[str, Any]:
    """Carry out a decision as the person; returns what its sentence is filled with.

    Raises SettleError with why a value or the database refuses it; then nothing was done.
    """
    values = checked(decision.fields, given)
    keys = {"key": seller_key(settings, values[decision.keyed_by])} if decision.keyed_by else {}
    try:
        with connect_as(settings, who, password) as database:
            [found] = rows(database, decision.query, **values, **keys)
            if decision.then_read:
                found |= rows_of(database, decision.then_read, **values)[0]
    except psycopg.Error as error:
        reason = error.diag.message_primary or error
        raise SettleError(f"the database refuses: {reason}") from error
    return {**values, **found, "who": who}


def checked(fields: Iterable[Field], given: Mapping[str, str]) -> dict[str, str]:
    """The values of the fields, checked. Raises SettleError with what is wrong."""
    return {field.name: field.checked(given.get(field.name, "")) for field in fields}
