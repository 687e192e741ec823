"""The plug pulled between the freeze and the accepted batch: at each step, and at every message.

Messages are counted on the wire, so a step that is added is one more death.
"""

import multiprocessing
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestrator.config import Component
from orchestrator.errors import SettleError
from tests.functions.market import LINES, WINDOW, Market, books, not_served, rail
from tests.functions.pay_process import pay_window_alone
from tests.support.wire_taps import Plug, tapped_http, tapped_postgres

# Processes of their own, from one that has done the imports: killed for real, in no time.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "tests.functions.pay_process"])
MODES = {"one call": None, "line by line": 1}
NIGHTLY = pytest.mark.nightly("a process for each message: make ci kills one call so")
MANY = pytest.mark.many("a process for each message: make test has one for each step")
# The steps there are at least: freeze, the try, the call itself, its end, what it means.
STEPS = ("freeze_batch", "begin_attempt", "rail asked", "rail answers", "conclude_call")
NEVER = 0
DECLARE = "select finance.declare_rejected(%s, 'they do not have it')"
REFUSED = not_served(LINES, "s1")


def die_at(market: Market, url: str, message: int, max_lines: int | None) -> Plug:
    """`settle pay` in a process that is killed at this message; the plug tells whether it was."""
    plug = Plug(b"freeze_batch", message)
    database = conninfo_to_dict(market.settings.urls[Component.ORCHESTRATOR])
    with (
        tempfile.TemporaryDirectory(prefix="tap-") as folder,
        tapped_postgres(plug, Path(folder), Path(database["host"])) as postgres,
        tapped_http(plug, urlsplit(url).port or 0) as port,
    ):
        # The tap stands in for the server, which no client would take it for.
        tapped = make_conninfo("", **database | {"requirepeer": "", "host": str(postgres)})
        settings = replace(
            market.at_rail(f"http://127.0.0.1:{port}/api"),
            urls={**market.settings.urls, Component.ORCHESTRATOR: tapped},
            halfin_max_lines_per_call=max_lines,
        )
        process = PROCESSES.Process(target=pay_window_alone, args=[settings, WINDOW])
        process.start()
        plug.pid = process.pid
        process.join(60)
        # Its last message is good-bye to the database: by then it may have ended by itself.
        assert process.exitcode in ({-9, 0} if plug.is_pulled else {0}), plug.seen
        plug.is_pulled = process.exitcode == -9
    return plug


def killed(message: int, mode: str = "one call") -> Plug:
    """Pay, killed at this message, and pay once more: each line is paid once."""
    lines = LINES if MODES[mode] is None else LINES[:2]
    with Market.open() as market, rail(auto_approve=False) as url:
        market.approved(*lines)
        plug = die_at(market, url, message, MODES[mode])
        at_rail = books(url)["payouts"]
        # Never half: what the rail has, we have written down before.
        frozen = market.lines("idempotency_key")
        assert len(frozen) in (0, len(lines)), plug.seen
        assert at_rail == 0 or len(frozen) == len(lines), plug.seen
        market.pay(url, halfin_max_lines_per_call=MODES[mode])
        assert books(url)["payouts"] == len(lines), plug.seen
        assert books(url)["idempotency_keys"] == len(lines) + (MODES[mode] is None)
        assert market.state() == ["accepted"], plug.seen
        assert market.lines("state") == [("submitted",)] * len(lines), plug.seen
        assert market.kinds("breaks") == [], plug.seen
        total = market.value("dora", "select sum(amount_minor) from finance.payout_lines")
        assert total == sum(line.net_minor for line in lines)
    return plug


def test_killed_at_a_step_or_right_after_it_the_next_run_pays_each_line_once() -> None:
    seen = killed(NEVER).seen
    steps = [next(n for n, said in enumerate(seen, 1) if step in said) for step in STEPS]
    for message in sorted({n + after for n in steps for after in (0, 1)}):
        assert killed(message).is_pulled, seen


@pytest.mark.slow
@pytest.mark.parametrize(
    "mode", [pytest.param("one call", marks=MANY), pytest.param("line by line", marks=NIGHTLY)]
)
def test_killed_at_any_message_the_next_run_pays_each_line_once(mode: str) -> None:
    message, deaths = 0, []
    while True:
        message += 1
        plug = killed(message, mode)
        if not plug.is_pulled:
            break
        deaths.append(plug.seen[-1])
    for step in STEPS:
        assert any(step in death for death in deaths), "\n".join(deaths)
    assert len(deaths) > 20


def refused_pay(market: Market, url: str) -> str:
    """The line with which paying in calls of two is refused; empty where it is not."""
    try:
        market.pay(url, halfin_max_lines_per_call=2)
    except SettleError as error:
        return str(error)
    return ""


@NIGHTLY
def test_killed_around_a_refusal_the_next_run_pays_the_others_once() -> None:
    """Two calls; the first is refused for s1, and s10 goes into a third."""
    message, deaths, in_doubt = 0, [], 0
    while True:
        message += 1
        with Market.open() as market, rail(auto_approve=False, **REFUSED) as url:
            market.approved(*LINES)
            plug = die_at(market, url, message, 2)
            # No line is in two calls, and none that waits is in a refused one.
            waits = "l.state = 'frozen' and exists (select from finance.payout_calls as c"
            waits += " where (c.batch_id, c.sequence) = (l.batch_id, l.call_sequence)"
            assert market.lines("seller_id", f"{waits} and c.state = 'rejected')") == [], plug.seen
            if said := refused_pay(market, url):
                # It died during an attempt, so the refusal of the next one is not trusted.
                assert "the rail stopped the batch" in said, plug.seen
                assert market.lines("call_sequence, state") == [
                    (1, "frozen"), (1, "frozen"), (2, "frozen")
                ], plug.seen  # fmt: skip
                in_doubt += 1
                for person in ("ben", "cem"):
                    market.rows(person, DECLARE, WINDOW)
                market.approve("ana")
                market.pay(url, halfin_max_lines_per_call=2)
            assert (books(url)["batches"], books(url)["payouts"]) == (2, 2), plug.seen
            assert books(url)["idempotency_keys"] == 4, plug.seen
            assert market.state()[-1] == "accepted"
            assert market.lines("seller_id, call_sequence, state", "state <> 'rejected'") == [
                ("s1", 1, "failed"), ("s10", 3, "submitted"), ("s2", 2, "submitted")
            ], plug.seen  # fmt: skip
            assert market.kinds("breaks") == [], plug.seen
        if not plug.is_pulled:
            break
        deaths.append(plug.seen[-1])
    assert len(deaths) > 50
    assert 0 < in_doubt < len(deaths) / 2
