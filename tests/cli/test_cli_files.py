"""What people propose at a prompt, one by one or as a file; over plain tables, without a build."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import URL_VARIABLES
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.functions.market import CLOSE, LINES, WINDOW, Line, Market
from tests.functions.payment_server import OWNER
from tests.support.shell import Answer, Shell, ShellInProcess

NOTE = ("--note", "as agreed")


class Prompt:
    """`settle` on a market's database; each call names the person."""

    def __init__(self, market: Market, folder: Path) -> None:
        urls = {URL_VARIABLES[c]: url for c, url in market.settings.urls.items()}
        now = market.value(OWNER, "select settle_now()").isoformat()
        self.market, self._folder = market, folder
        self.settle: Shell = ShellInProcess(market.settings.home, **urls, SETTLE_NOW=now)

    def file(self, *lines: str) -> str:
        path = self._folder / "rows.csv"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def password(self, name: str) -> dict[str, str]:
        return {"SETTLE_PASSWORD": EmbeddedPostgres(self.market.settings.home).password(name)}

    def done(self, name: str, *arguments: str) -> str:
        return self.settle.done(*arguments, "--as", name, **self.password(name))

    def refused(self, name: str, *arguments: str) -> str:
        return self.settle.refused(*arguments, "--as", name, **self.password(name))

    def misused(self, name: str, *arguments: str) -> str:
        return self.settle.misused(*arguments, "--as", name, **self.password(name))

    def listed(self, name: str, *arguments: str) -> tuple[str, list[str]]:
        """Of a refused file: the message, and the bad lines below it."""
        answer: Answer = self.settle(*arguments, "--as", name, **self.password(name))
        assert (answer.code, answer.out) == (1, ""), answer
        message, blank, *lines = answer.err.splitlines()
        assert blank == ""
        return message.removeprefix("settle: "), lines

    def count(self, table: str) -> Any:
        return self.market.value(OWNER, f"select count(*) from finance.{table}")


@pytest.fixture
def prompt(tmp_path: Path) -> Iterator[Prompt]:
    """A window has ended, is built, and has no close."""
    with Market.open() as market:
        market.at(CLOSE)
        market.build(*LINES)
        market.hand_over()
        yield Prompt(market, tmp_path)


# ---- Go-live ------------------------------------------------------------------------------------


def test_go_live_is_proposed_and_approved(prompt: Prompt) -> None:
    assert prompt.settle.done("go-live", "list") == "There is no go-live.\n"
    balances = prompt.file("seller_id,amount", "s1,45.10", "s2,-3")
    assert prompt.done("ana", "go-live", WINDOW, "--balances", balances, *NOTE) == (
        f"Go-live 1 with {WINDOW} waits, with opening balances of 2 sellers: another person must"
        " approve it.\nsettle go-live approve 1\n"
    )
    assert prompt.refused("ana", "go-live", "approve", "1") == (
        "ana proposed go-live 1: somebody else must approve it"
    )
    shown = prompt.settle.done("go-live", "list")
    assert all(text in shown for text in ("open", WINDOW, "45.10", "3.00", "as agreed"))
    assert prompt.done("ben", "go-live", "withdraw", "1") == "ben withdrew go-live 1.\n"
    prompt.done("ana", "go-live", *NOTE, WINDOW)
    assert prompt.done("ben", "go-live", "approve", "2") == (
        f"ben approved go-live 2: windows begin with {WINDOW}, what was available before was"
        " settled elsewhere. Run settle build.\n"
    )


def test_go_live_refuses_a_file_with_a_line_for_each_bad_row(prompt: Prompt) -> None:
    balances = prompt.file("seller_id,amount", "s1,1.001", "nobody,1.00", "s2,1.00")
    assert prompt.listed("ana", "go-live", WINDOW, "--balances", balances, *NOTE) == (
        "2 rows of the file cannot be taken: nothing was stored; fix the file and try again",
        [
            "line 2: amount: has more than two decimals; round it or fix the export",
            "line 3: seller_id: no such seller is known; load the seller first, or fix the id",
        ],
    )
    balances = prompt.file("seller,amount", "s1,1")
    _, lines = prompt.listed("ana", "go-live", WINDOW, "--balances", balances, *NOTE)
    assert len(lines) == 2
    assert prompt.count("go_lives") == 0
    assert prompt.refused("ana", "go-live", WINDOW, "--balances", "/nowhere.csv", *NOTE) == (
        "/nowhere.csv cannot be read: No such file or directory"
    )


def test_what_is_no_verb_of_go_live_is_a_window(prompt: Prompt) -> None:
    assert "'aprove' is not an ISO week; write it like 2026-W47" in prompt.misused(
        "ana", "go-live", "aprove", *NOTE
    )
    assert "finance group" in prompt.refused("dora", "go-live", WINDOW, *NOTE)
    assert "finance group" in prompt.refused("dora", "go-live", "approve", "1")


# ---- Reserve policies ---------------------------------------------------------------------------


@pytest.fixture
def policies(prompt: Prompt) -> None:
    prompt.market.rows(
        OWNER,
        "insert into settlement_seeds.reserve_policies values"
        " ('standard', '1970-01-01Z', 7, 0, 0), ('elevated', '1970-01-01Z', 7, 25, 30)",
    )
    prompt.market.hand_over()


@pytest.mark.usefixtures("policies")
def test_a_seller_is_put_under_a_reserve_policy(prompt: Prompt) -> None:
    assert prompt.settle.done("reserve", "list") == (
        "No seller was put under a reserve policy: all are under standard.\n"
    )
    assert prompt.done("ana", "reserve", "assign", "s1", "elevated", *NOTE) == (
        "Assignment 1 of s1 to elevated waits: another person must approve it.\n"
        "settle reserve approve 1\n"
    )
    assert prompt.done("ben", "reserve", "approve", "1") == (
        "ben approved assignment 1: orders of s1 are under elevated from now on.\n"
    )
    prompt.done("ana", "reserve", "assign", "s2", "elevated", *NOTE)
    assert prompt.done("ana", "reserve", "withdraw", "2") == "ana withdrew assignment 2.\n"
    states = [line.split()[:4] for line in prompt.settle.done("reserve", "list").splitlines()[1:]]
    assert states == [["1", "current", "s1", "elevated"], ["2", "withdrawn", "s2", "elevated"]]
    applies = json.loads(prompt.settle.done("reserve", "list", "--json"))[0]
    assert (applies["assigned_by"], applies["approved_by"]) == ("ana", "ben")
    assert datetime.fromisoformat(applies["since"]) == CLOSE
    assert "finance group" in prompt.refused("dora", "reserve", "approve", "1")


@pytest.mark.usefixtures("policies")
def test_many_sellers_are_put_under_policies_by_a_file(prompt: Prompt) -> None:
    path = prompt.file("policy,seller_id", "elevated,s1", "standard,s2")
    assert prompt.done("ana", "reserve", "assign", "--file", path, *NOTE) == (
        "File 1 of 2 rows waits: another person must approve it.\n"
        "settle reserve approve --file-id 1\n"
    )
    assert prompt.done("ben", "reserve", "approve", "--file-id", "1") == (
        "ben approved file 1 (2 waited): it applies to orders placed from now on.\n"
    )
    path = prompt.file("seller_id,policy", "s1,strict")
    _, lines = prompt.listed("ana", "reserve", "assign", "--file", path, *NOTE)
    assert lines == [
        "line 2: policy: is unknown; the reserve policies valid now are elevated, standard"
    ]
    path = prompt.file("seller_id,policy", "s10,elevated")
    prompt.done("ana", "reserve", "assign", "--file", path, *NOTE)
    said = prompt.done("ana", "reserve", "withdraw", "--file-id", "2")
    assert said == "ana withdrew file 2 (1 waited).\n"
    assert prompt.count("reserve_assignments") == 3


def test_a_seller_or_a_file_and_never_both(prompt: Prompt) -> None:
    usage = "give SELLER POLICY --note, or --file --note"
    path = prompt.file("seller_id,policy", "s1,standard")
    for given in (("s1",), ("s1", "standard", "--file", path), ()):
        assert usage in prompt.misused("ana", "reserve", "assign", *given, *NOTE), given
    assert "give ID, or --file-id" in prompt.misused("ana", "reserve", "approve")


# ---- Adjustments --------------------------------------------------------------------------------


def test_an_adjustment_has_a_type(prompt: Prompt) -> None:
    enter = ("adjust", "enter", "s1", "-3.00")
    prompt.done("ana", *enter, "--type", "write_off", *NOTE)
    prompt.done("ana", *enter, *NOTE)
    found = json.loads(prompt.settle.done("adjust", "list", "--json"))
    assert [row["type"] for row in found] == ["write_off", "other"]
    assert "'gift' is not one of the types" in prompt.misused(
        "ana", *enter, "--type", "gift", *NOTE
    )


def test_adjustments_are_entered_and_approved_by_a_file(prompt: Prompt) -> None:
    path = prompt.file("seller_id,amount,type", "s1,-12.50,correction", "s2,2,")
    assert prompt.done("ana", "adjust", "enter", "--file", path, *NOTE) == (
        "File 1 of 2 rows waits: another person must approve it.\n"
        "settle adjust approve --file-id 1\n"
    )
    [first, second] = json.loads(prompt.settle.done("adjust", "list", "--json"))
    assert (first["type"], first["amount"], first["file_id"]) == ("correction", "-12.50", 1)
    assert (second["type"], second["reason"], second["state"]) == ("other", "as agreed", "open")
    sums = [line.split()[:5] for line in prompt.settle.done("adjust", "list").splitlines()[:3]]
    assert sums == [
        ["file", "type", "rows", "added", "taken"],
        ["1", "correction", "1", "0.00", "12.50"],
        ["1", "other", "1", "2.00", "0.00"],
    ]
    assert prompt.done("ben", "adjust", "approve", "--file-id", "1") == (
        "ben approved file 1 (2 waited): -10.50 altogether.\n"
    )
    reasons = prompt.file("seller_id,amount,reason", 's1,1.00,"late, again"')
    prompt.done("ana", "adjust", "enter", "--file", reasons)
    said = prompt.done("ana", "adjust", "withdraw", "--file-id", "2")
    assert said == "ana withdrew file 2 (1 waited).\n"
    path = prompt.file("seller_id,amount,type", "s1,-12.50,correction", "s2,2,")
    _, lines = prompt.listed("ana", "adjust", "enter", "--file", path)
    assert lines == [
        f"line {line}: reason: is empty; fill it in, or give the whole file a note"
        for line in (2, 3)
    ]
    assert "give SELLER AMOUNT --note, or --file" in prompt.misused("ana", "adjust", "enter", "s1")


# ---- Holds and releases -------------------------------------------------------------------------


@pytest.fixture
def flagged(prompt: Prompt) -> None:
    """The window is closed; two of its sellers are held for a review."""
    held = [Line(f"f{n}", 1000 + n, holds=("manual_review",)) for n in (1, 2)]
    prompt.market.close(*LINES, *held)


@pytest.mark.usefixtures("flagged")
def test_sellers_are_held_and_released_by_a_file(prompt: Prompt) -> None:
    path = prompt.file("seller_id", "s1", "s2")
    assert prompt.done("ana", "hold", "--file", path, *NOTE) == "Decision 1: 2 sellers are held.\n"
    _, lines = prompt.listed("ana", "hold", "--file", path, *NOTE)
    assert lines == [
        f"line {n}: seller_id: s{n - 1} is held already, by ana: leave the row out" for n in (2, 3)
    ]
    path = prompt.file("seller_id,held_for", "s1,manual_review", "f1,")
    assert prompt.done("ben", "release", WINDOW, "--file", path, *NOTE) == (
        f"Decision 2: 2 sellers are released in {WINDOW}.\n"
    )
    _, lines = prompt.listed("ben", "release", WINDOW, "--file", path, *NOTE)
    assert [line.split(" was ")[0] for line in lines] == [
        "line 2: seller_id: s1",
        "line 3: seller_id: f1",
    ]
    assert prompt.count("hold_releases") == 2
    assert "give SELLER --note, or --file --note" in prompt.misused("ana", "hold", *NOTE)


@pytest.mark.usefixtures("flagged")
def test_a_seller_twice_unknown_or_decided_is_named_and_nothing_is_done(prompt: Prompt) -> None:
    prompt.done("ben", "hold", "s1", *NOTE)
    prompt.done("ben", "release", WINDOW, "f2", *NOTE)
    twice = "seller_id: is on line 2 too; keep one of the two"
    unknown = "seller_id: no such seller is known; load the seller first, or fix the id"
    path = prompt.file("seller_id", "s2", "s2", "nobody", "s1", "S2", " ")
    assert prompt.listed("ana", "hold", "--file", path, *NOTE) == (
        "5 rows of the file cannot be taken: nothing was stored; fix the file and try again",
        [
            f"line 3: {twice}",
            f"line 4: {unknown}",
            "line 5: seller_id: s1 is held already, by ben: leave the row out",
            f"line 6: {unknown}",
            f"line 7: {unknown}",
        ],
    )
    path = prompt.file("seller_id", "f1", "f1", "nobody", "f2", "s2")
    assert prompt.listed("ana", "release", WINDOW, "--file", path, *NOTE) == (
        "4 rows of the file cannot be taken: nothing was stored; fix the file and try again",
        [
            f"line 3: {twice}",
            f"line 4: {unknown}",
            "line 5: seller_id: f2 was released from manual_review by ben before: leave the row"
            " out",
            f"line 6: seller_id: s2 is not held in {WINDOW}: leave the row out",
        ],
    )
    assert (prompt.count("seller_holds"), prompt.count("hold_releases")) == (1, 1)


@pytest.mark.usefixtures("flagged")
def test_what_held_writes_is_the_file_that_release_takes(prompt: Prompt) -> None:
    text = prompt.settle.done("held", WINDOW, "--csv")
    wallets = [Line(f"f{n}", 0).wallet for n in (2, 1)]  # the largest first
    assert text.splitlines() == [
        "seller_id,held_for,wallet,hold",
        f"f2,manual_review,{wallets[0]},",
        f"f1,manual_review,{wallets[1]},",
    ]
    path = prompt.file(*text.splitlines())
    prompt.done("ben", "release", WINDOW, "--file", path, *NOTE)
    shown = prompt.settle.done("held", WINDOW)
    assert [line.split() for line in shown.splitlines()[1:4]] == [
        ["releasable", "0", "0.00"],
        ["flagged", "0", "0.00"],
        ["all", "0", "0.00"],
    ]


@pytest.mark.usefixtures("flagged")
def test_a_reason_is_released_by_the_digest_that_held_shows(prompt: Prompt) -> None:
    shown = prompt.settle.done("held", WINDOW, "--reason", "manual_review", "--sort", "seller")
    command = shown.splitlines()[-1].split()[1:]
    assert command[:4] == ["release", WINDOW, "--reason", "manual_review"]
    prompt.done("cem", "hold", "s1", *NOTE)
    assert prompt.refused("ana", *command, *NOTE) == (
        f"the sellers held in {WINDOW} for manual_review are others now (3), or have another"
        " wallet or hold: nothing was released; look at them again"
    )
    document = json.loads(prompt.settle.done("held", WINDOW, "--reason", "manual_review", "--json"))
    assert {row["seller"] for row in document["sellers"]} == {"f1", "f2", "s1"}
    command[-1] = document["digest"]
    assert prompt.done("ana", *command, *NOTE) == (
        f"Decision 1: 3 sellers are released from manual_review in {WINDOW}.\n"
    )
    assert prompt.settle.refused("held", WINDOW, "--reason", "manual_review") == (
        f"no seller is held in {WINDOW} for manual_review: there is releasable, flagged, all"
    )
    assert "'size' is not one of net, change" in prompt.settle.misused(
        "held", WINDOW, "--sort", "size"
    )
