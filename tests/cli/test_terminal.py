"""What somebody else wrote changes nothing on the terminal of who reads it, or on a page."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orchestrator.config import PROJECT_ROOT
from orchestrator.defs import markdown
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.formatting.cells import cell, visible
from orchestrator.web.render import csv_line, message_page
from tests.functions.market import CLOSE, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.support.shell import ShellInProcess

# Clear the screen, go up, an 8-bit control, turn text around, a second line, an invisible letter.
HOSTILE = "rail\x1b[2J\x1b[1A\x9b31m\u202e00.1 DSU\u202c\n2026-W47  approved\u200b\r!"
SHOWN = r"rail\x1b[2J\x1b[1A\x9b31m\u202e00.1 DSU\u202c\n2026-W47  approved\u200b\r!"
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open() as market:
        market.close()
        market.at(CLOSE)
        raised = "select finance.raise_alert('call_refused', 'W47', %s)"
        market.rows(ORCHESTRATOR, raised, HOSTILE)
        market.rows("ana", "select finance.hold_seller('s1', %s)", HOSTILE)
        market.rows("ana", "select finance.enter_adjustment('s2', 100, %s, 'correction')", HOSTILE)
        market.rows("ana", "select finance.pause_payouts(%s)", HOSTILE)
        yield market


def run(market: Market, *arguments: str, **environment: str) -> tuple[int, str, str]:
    answer = ShellInProcess(market.settings.home, **market.environment())(*arguments, **environment)
    return answer.code, answer.out, answer.err


def password(market: Market) -> str:
    return EmbeddedPostgres(market.settings.home).password("ana")


@pytest.mark.parametrize("verb", [("alerts",), ("adjust", "list")])
def test_a_text_of_somebody_elses_is_one_visible_line(market: Market, verb: tuple[str]) -> None:
    code, out, said = run(market, *verb)
    assert (code, said) == (0, "")
    assert HIDDEN.search(out) is None
    assert r"\x1b[2J" in out
    assert r"\u202e00.1" in out
    assert not any(line.startswith("2026-W47  approved") for line in out.splitlines())


def test_what_is_refused_is_visible_too(market: Market) -> None:
    """A pause's note and an argument stand in the lines of errors."""
    argument = HOSTILE.replace("\n", "")
    given = ("hold", argument, "--as", "ana", "--note", "n")
    code, out, said = run(market, *given, SETTLE_PASSWORD=password(market))
    assert (code, out) == (1, "")
    assert HIDDEN.search(said) is None
    assert r"\x1b[2J\x1b[1A\x9b31m\u202e" in said
    assert "is not known" in said


def test_what_was_decided_is_visible(market: Market) -> None:
    seller = "s\x1b[2J\u202e"
    copied = "insert into marketplace.sellers select (jsonb_populate_record(s, %s::jsonb)).*"
    copied += " from marketplace.sellers as s where s.seller_id = 's1'"
    market.rows(OWNER, copied, json.dumps({"seller_id": seller}))
    given = ("hold", seller, "--as", "ana", "--note", HOSTILE)
    code, out, _ = run(market, *given, SETTLE_PASSWORD=password(market))
    assert code == 0
    assert HIDDEN.search(out) is None
    assert r"s\x1b[2J\u202e" in out


def test_rows_of_a_query_are_visible_at_a_terminal_and_exact_in_a_file(market: Market) -> None:
    query = ("sql", "select chr(27) || '[2J' || chr(8238) as said")
    code, out, _ = run(market, *query)
    assert (code, out) == (0, "said\n\x1b[2J\u202e\n")
    ours, terminal = pty.openpty()
    arguments = [sys.executable, "-m", "orchestrator", *query]
    subprocess.run(arguments, env=market.environment(), stdout=terminal, check=True, timeout=120)
    os.close(terminal)
    shown = os.read(ours, 1000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert shown == "said\n\\x1b[2J\\u202e\n"


def test_each_kind_of_hidden_character() -> None:
    assert visible(HOSTILE) == cell(HOSTILE) == SHOWN
    assert cell([HOSTILE, "x"]) == f"{SHOWN}, x"
    assert visible("two\nlines\x07", keep="\n") == "two\nlines\\x07"
    # Of scripts that need them, of money and of every other name nothing changes.
    for name in ("Żółć", "शॉप\u200dक्स", "می\u200cز", "12\u00a0345", "שלום", "👩\u200d🌾"):
        assert visible(name) == name


def test_pages_show_what_turns_text_around_and_send_back_what_was_there() -> None:
    said = bytes(message_page(404, "No such seller", HOSTILE).body).decode()
    assert r"\u202e00.1 DSU\u202c" in said
    assert HIDDEN.search(said.replace("\r", "")) is None
    assert csv_line(("s\u202e1", "<x>")) == "s\u202e1,&lt;x&gt;"
    assert HIDDEN.search(markdown.cell(HOSTILE)) is None


def test_verbs_print_in_no_other_way() -> None:
    """say() and the plain console are the two ways to a person's terminal."""
    ways = {"options.py": 2}  # say() itself, and JSON, which escapes
    for file in sorted((PROJECT_ROOT / "orchestrator" / "cli").glob("*.py")):
        text = file.read_text(encoding="utf-8")
        assert len(re.findall(r"(?<![\w.])print\(", text)) == ways.get(file.name, 0), file.name
        assert not re.search(r"(?<!Plain)Console\(\)|typer\.echo", text), file.name
