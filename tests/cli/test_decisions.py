"""The one table of decisions, and that both front ends follow from it."""

import json
import re
from pathlib import Path

import pytest
import typer
from click import Group

from orchestrator.cli import app_of
from orchestrator.decisions.decisions import DECISIONS, Decision, checked
from orchestrator.errors import SettleError
from orchestrator.web.render import HERE

VALUES = {
    **{"window": "2026-W46", "amount": "1.00", "id": "1"},
    **{"limit": "maximum_line", "type": "goodwill", "outcome": "failed"},
}
BY_NAME = pytest.mark.parametrize("decision", DECISIONS.values(), ids=DECISIONS)


def templates() -> str:
    return "".join(path.read_text() for path in Path(HERE / "templates" / "desk").glob("*.html"))


@BY_NAME
def test_the_query_asks_for_the_fields_and_nothing_else(decision: Decision) -> None:
    given = {f.name for f in decision.fields} | ({"key"} if decision.keyed_by else set())
    assert set(re.findall(r"%\((\w+)\)s", decision.query)) == given


@BY_NAME
def test_every_decision_has_a_verb_and_a_form(decision: Decision) -> None:
    command = typer.main.get_command(app_of())
    for word in decision.verb.split():
        assert isinstance(command, Group) or hasattr(command, "commands")
        command = command.commands[word]
    known = {parameter.name for parameter in command.params}
    # Of a choice each value may be a flag.
    assert all(f.name in known or set(f.choices or "-") <= known for f in decision.fields)
    # A page releases from the reason that it shows, which a file names.
    form = {"release": "release-file"}.get(decision.name, decision.name)
    assert f'action="/desk/do/{form}"' in templates()


@BY_NAME
def test_two_outcomes_need_a_query_that_tells_them_apart(decision: Decision) -> None:
    assert (decision.otherwise is not None) == ("as is_done" in decision.query)


@pytest.mark.parametrize(
    ("decision", "field", "value", "why"),
    [
        ("hold", "note", " ", "the note is empty; say why"),
        ("hold", "seller", "", "the seller is empty; fill it in"),
        ("hold", "note", "a\0b", "the note has a character that cannot be stored"),
        ("adjust", "amount", "0.00", "an adjustment of 0 changes nothing"),
        ("propose", "amount", "-1.00", "is below 0, which no limit can be"),
        ("adjust", "type", "gift", "'gift' is not one of the types"),
        ("propose", "limit", "other", "'other' is not one of the limits"),
        ("close-break", "id", "1e3", "'1e3' is not an id"),
        ("close-break", "id", "٣", "is not an id"),
        ("approve", "window", "2025-W53", "is not an ISO week"),
        ("approve-go-live", "id", "0", "'0' is not an id"),
    ],
)
def test_a_wrong_value_is_refused_before_the_database_is_asked(
    decision: str, field: str, value: str, why: str
) -> None:
    fields = DECISIONS[decision].fields
    given = {f.name: VALUES.get(f.name, "x") for f in fields}
    assert checked(fields, given) == given
    with pytest.raises(SettleError, match=re.escape(why)):
        checked(fields, given | {field: value})
    assert checked(fields, {k: f" {v} " for k, v in given.items()}) == given


def test_a_file_becomes_rows_with_their_lines() -> None:
    field = next(f for f in DECISIONS["go-live"].fields if f.file)
    text = '\ufeffamount,seller_id\r\n\r\n1.00,"s\n1"\r\n-2,s2\r\n'
    assert json.loads(field.checked(text)) == [
        {"line": 3, "amount": "1.00", "seller_id": "s\n1"},
        {"line": 5, "amount": "-2", "seller_id": "s2"},
    ]
    assert field.checked(" ") == ""


@pytest.mark.parametrize(
    ("text", "why", "lines"),
    [
        ("seller_id,amount\n", "has a header and no row", []),
        ("seller_id\ns1\n", "cannot be read", ["line 1: column amount is missing"]),
        (
            "seller_id,amount,amount,x y\n",
            "cannot be read",
            ["line 1: column 'x y' is unknown", "line 1: column amount is named twice"],
        ),
        (
            "seller_id,amount\ns1,1\ns2\n\ns3,1,2\n",
            "cannot be read",
            ["line 3: has 1 values, and the header names 2", "line 5: has 3 values"],
        ),
        ('seller_id,amount\ns1,"1\n', "cannot be read as CSV near line 2", []),
        ("seller_id,amount\ns1,\udcff\n", "is not UTF-8 text", []),
        ("seller_id,amount\ns1,\0\n", "is not UTF-8 text", []),
    ],
)
def test_what_is_no_file_of_rows_is_refused_line_by_line(
    text: str, why: str, lines: list[str]
) -> None:
    field = next(f for f in DECISIONS["go-live"].fields if f.file)
    with pytest.raises(SettleError, match=re.escape(why)) as error:
        field.checked(text)
    found = error.value.detail.splitlines()
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "Decision 7: 1 seller is held."), (200, "Decision 7: 200 sellers are held.")],
)
def test_a_count_has_the_word_for_one_or_for_several(count: int, said: str) -> None:
    assert DECISIONS["hold-file"].message({"number": 7, "row_count": count}) == said


def test_no_sentence_counts_something_without_its_word_for_one() -> None:
    sentences = [s for d in DECISIONS.values() for s in (d.sentence, d.otherwise) if s]
    counted = re.compile(r"\{\w*_?count\} (sellers|lines|rows)")
    assert [s for s in sentences if counted.search(s)] == []
