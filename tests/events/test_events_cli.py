"""`settle events` and `settle post-events`, as people and servers run them."""

import functools
import json
import signal
import time

import pytest
from starlette.responses import Response

from orchestrator.config import URL_VARIABLES
from orchestrator.events import endpoint
from tests.cli.people import Desk, open_desk
from tests.events.receiver import SECRET, dripping, events, receiver, write
from tests.functions.market import Line, Market
from tests.support.closed_week import WINDOW
from tests.support.shell import ShellInProcess


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk()


def test_events_are_listed_posted_and_replayed(desk: Desk) -> None:
    settle = desk.settle
    latest = json.loads(settle.done("events", "--window", WINDOW, "--json"))
    assert {event["event_type"] for event in latest} >= {"reserve.released"}
    assert {event["state"] for event in latest} == {"waiting"}
    seller = latest[0]["seller_id"]
    of_one = json.loads(settle.done("events", "--seller", seller, "--json"))
    numbers = [event["sequence"] for event in of_one]
    assert numbers == list(range(len(numbers), 0, -1))
    shown = settle.done("events", latest[0]["event_id"])
    assert latest[0]["event_id"] in shown
    assert settle.done("events", "--seller", "nobody") == "No event.\n"
    with receiver() as it:
        variables = {"SETTLE_EVENTS_URL": it.url, "SETTLE_EVENTS_SECRET": SECRET}
        posted = settle.done("post-events", "--once", **variables)
        assert posted == f"{len(it.arrived)} events were taken.\n"
        count = len(it.arrived)
        said = settle.done("events", latest[0]["event_id"], "--replay")
        assert said == "1 events are posted again.\n"
        assert "1 events were taken" in settle.done("post-events", "--once", **variables)
        assert it.arrived[count][0] == latest[0]["event_id"]
    states = json.loads(settle.done("events", "--state", "posted", "--window", WINDOW, "--json"))
    assert len(states) == len(latest)
    assert (
        settle.done("events", "--state", "given_up", "--replay") == "0 events are posted again.\n"
    )


def test_a_mistake_is_one_clear_line(desk: Desk) -> None:
    settle = desk.settle
    assert "say which: ids, --seller, --window or" in settle.misused("events", "--replay")
    assert settle.refused("events", "msg_x") == "event msg_x is not known: see settle events"
    assert settle.refused("events", "msg_x", "--replay").startswith("event msg_x is not known")
    said = settle.refused("post-events", "--once")
    assert said == "SETTLE_EVENTS_URL is not set: nothing is posted"


@pytest.mark.parametrize("status", [500, 301, 422])
def test_a_receiver_that_takes_nothing_is_one_clear_line(status: int) -> None:
    """What it said of which event, and what to do; nothing is lost, and no redirect followed."""
    with Market.open() as market, receiver() as elsewhere:
        market.close(Line("s1", 1))
        moved = Response(status_code=status, headers={"Location": elsewhere.url})
        with receiver(answer=lambda _: moved) as it:
            said = once(market, it.url)
        [(event, _)] = it.arrived
        assert said == (
            f"event {event} was not taken (HTTP {status}); 0 were; what is left stays and is"
            " posted again later, in order: mend the receiver at SETTLE_EVENTS_URL, or that"
            " address (redirects are not followed)"
        )
        assert elsewhere.arrived == []
        [left] = events(market)
        assert (left["attempts"], left["is_posted"], left["is_given_up"]) == (1, False, False)


def test_a_receiver_that_hangs_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = functools.partial(endpoint.Endpoint, timeout_s=0.3)
    monkeypatch.setattr(endpoint, "Endpoint", patient)
    with Market.open() as market, dripping() as url:
        market.close(Line("s1", 1), Line("s2", 1))
        said = once(market, url)
        assert "was not taken (no answer in 0.3 s); 0 were; what is left stays" in said
        assert [event["attempts"] for event in events(market)] == [1, 0]


def once(market: Market, url: str) -> str:
    variables = {"SETTLE_EVENTS_URL": url, "SETTLE_EVENTS_SECRET": SECRET}
    urls = {URL_VARIABLES[c]: text for c, text in market.settings.urls.items()}
    settle = ShellInProcess(market.settings.home, **urls)
    return settle.refused("post-events", "--once", **variables)


def test_the_program_posts_as_it_happens_until_it_is_stopped() -> None:
    with Market.open() as market, receiver() as it:
        market.close(Line("s1", 1))
        variables = {"SETTLE_EVENTS_URL": it.url, "SETTLE_EVENTS_SECRET": SECRET}
        with market.settle("post-events", **variables) as running:
            assert running.stdout
            assert running.stdout.readline() == f"Events are posted to {it.url}\n"
            wait_for(it.arrived, 1)
            write(market, "s1")
            wait_for(it.arrived, 2)
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
        it.check(market)


def wait_for(arrived: list[object], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(arrived) < count:
        assert time.monotonic() < deadline, "nothing arrived in 60 s"
        time.sleep(0.02)
