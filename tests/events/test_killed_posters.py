"""The plug pulled at each step and at every message of a poster; and two mistakes that this must
catch."""

import json
import multiprocessing
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestrator.config import Component
from orchestrator.database.versions import FOLDER
from orchestrator.events.endpoint import Endpoint
from orchestrator.events.poster import post_some
from tests.events.post_process import post_waiting_alone
from tests.events.receiver import Receiver, receiver, write
from tests.functions.market import CLOSE, Line, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import LINE, payout, take
from tests.support.wire_taps import Plug, tapped_http, tapped_postgres

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "tests.events.post_process"])
MANY = pytest.mark.many("a process for each message: make test has one for each step")
STEPS = ("claim_events", "rail asked", "rail answers", "end_post")
NEVER = 0
OUTBOX = FOLDER / "functions" / "outbox"


def plant(market: Market, file: str, right: str, wrong: str) -> None:
    text = (OUTBOX / file).read_text(encoding="utf-8")
    assert right in text
    with psycopg.connect(market.url(OWNER)) as owner:
        owner.execute("set local role settle_owner")
        owner.execute("set local check_function_bodies = off")
        owner.execute(text.replace(right, wrong).encode())


def die_at(market: Market, it: Receiver, message: int) -> Plug:
    """A poster in a process that is killed at this message; the plug tells whether it was."""
    plug = Plug(b"claim_events", message)
    database = conninfo_to_dict(market.settings.urls[Component.ORCHESTRATOR])
    with (
        tempfile.TemporaryDirectory(prefix="tap-") as folder,
        tapped_postgres(plug, Path(folder), Path(database["host"])) as postgres,
        tapped_http(plug, urlsplit(it.url).port or 0) as port,
    ):
        tapped = make_conninfo("", **database | {"requirepeer": "", "host": str(postgres)})
        settings = replace(
            it.settings(market, events_url=f"http://127.0.0.1:{port}/events"),
            urls={**market.settings.urls, Component.ORCHESTRATOR: tapped},
        )
        process = PROCESSES.Process(target=post_waiting_alone, args=[settings])
        process.start()
        plug.pid = process.pid
        process.join(60)
        assert process.exitcode in ({-9, 0} if plug.is_pulled else {0}), plug.seen
        plug.is_pulled = process.exitcode == -9
    return plug


def told(market: Market) -> None:
    """Of one seller two events, of another one."""
    market.close(Line("s1", 1))
    write(market, "s1", "s2")


def killed(market: Market, it: Receiver, message: int) -> Plug:
    """The next poster starts when the dead one's claim is over."""
    plug = die_at(market, it, message)
    for minutes in range(1, 4):
        market.rows(
            OWNER,
            "update finance.clock set now_at = %s::timestamptz + make_interval(mins => %s)",
            CLOSE,
            11 * minutes,
        )
        it.post(market)
    return plug


def survived(message: int) -> Plug:
    """A poster killed at this message, and others after it: every event arrives, in order."""
    with Market.open() as market, receiver() as it:
        told(market)
        plug = killed(market, it, message)
        it.check(market)
    return plug


def test_killed_at_a_step_or_right_after_it_every_event_arrives_in_order() -> None:
    seen = survived(NEVER).seen
    steps = [next(n for n, said in enumerate(seen, 1) if step in said) for step in STEPS]
    for message in sorted({n + after for n in steps for after in (0, 1)}):
        assert survived(message).is_pulled, seen


@MANY
@pytest.mark.slow
def test_killed_at_any_message_every_event_arrives_in_order() -> None:
    message, deaths = 0, []
    while True:
        message += 1
        plug = survived(message)
        if not plug.is_pulled:
            break
        deaths.append(plug.seen[-1])
    for step in STEPS:
        assert any(step in death for death in deaths), "\n".join(deaths)


def test_an_event_lost_at_a_crash_would_be_seen() -> None:
    """The mistake: what is claimed counts as posted, before it was."""
    with Market.open(is_fresh=True) as market, receiver() as it:
        right = "attempts = d.attempts + 1,"
        plant(market, "post_events.sql", right, f"{right} posted_at = public.settle_now(),")
        told(market)
        assert killed(market, it, 3).is_pulled
        with pytest.raises(AssertionError):
            it.check(market)


def post_before_the_commit(market: Market, it: Receiver) -> None:
    """A careless program: it tells while its own transaction is open, and dies."""
    body = json.dumps({"data": payout(market, status="completed")})
    with (
        psycopg.connect(market.url(ORCHESTRATOR), row_factory=psycopg.rows.dict_row) as own,
        Endpoint(it.settings(market)) as endpoint,
    ):
        own.execute("select finance.record_lookup(%s)", [body.encode()])
        post_some(own, endpoint)
        own.rollback()


def paid(market: Market, it: Receiver) -> None:
    market.approved(LINE)
    market.freeze()
    take(market, "answer")
    it.post(market)
    post_before_the_commit(market, it)


def test_what_is_not_committed_cannot_be_posted() -> None:
    """Not even by who wrote it: an event is in the queue from the commit on."""
    with Market.open() as market, receiver() as it:
        paid(market, it)
        assert it.types == ["reserve.released", "payout.submitted"]
        it.check(market)


def test_an_event_sent_before_its_commit_would_be_seen() -> None:
    """The mistake: events are in the queue at once."""
    with Market.open(is_fresh=True) as market, receiver() as it:
        plant(market, "write_events.sql", "deferrable initially deferred", "")
        paid(market, it)
        assert it.types[-1] == "payout.paid"
        with pytest.raises(AssertionError):
            it.check(market)
        assert market.lines("state") == [("submitted",)]
