"""Events reach a real receiver over real HTTP: at least once, a seller's in order, signed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import Response

from orchestrator.config import Environment, load_settings
from orchestrator.errors import SettleError
from orchestrator.events.endpoint import Endpoint
from orchestrator.events.poster import post_until
from orchestrator.events.signature import headers
from tests.events.receiver import SECRET, VALIDATOR, dripping, events, receiver, write
from tests.functions.market import CLOSE, DUE, LINES, WINDOW, Line, Market, books, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import LINE, take

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
OTHER = "whsec_" + "b3RoZXIgc2VjcmV0IG9m" * 2


@pytest.fixture
def market() -> Iterator[Market]:
    with Market.open() as market:
        yield market


@contextmanager
def told(market: Market, *sellers: str) -> Iterator[None]:
    """A closed window and an event of each of these sellers, those of the close posted before."""
    market.close(Line("s0", 1))
    with receiver() as quiet:
        quiet.post(market)
    write(market, *sellers)
    yield


def test_a_week_is_told_in_order_and_verified(market: Market) -> None:
    market.approved(LINE, Line("s3", 100, holds=("above_maximum",)))
    with receiver() as it:
        assert it.post(market) == 3
        market.freeze()
        take(market, "answer", "failed", "completed", "failed", "confirmed")
        assert it.post(market) == 4
        assert it.post(market) == 0
        assert it.types == [
            *("reserve.released", "reserve.released", "payout.held"),
            *("payout.submitted", "payout.failed", "payout.paid", "payout.returned"),
        ]
        it.check(market)


def test_the_schema_refuses_what_no_event_has() -> None:
    event = {"type": "payout.paid", "timestamp": "2026-11-16T00:00:00Z"}
    data = {"seller_id": "s", "payout_window": WINDOW, "sequence": 1, "currency": "USD"}
    data |= {"line_id": "l", "amount": "1.00", "rail": "SPL", "rail_currency": "USDT_SPL"}
    assert VALIDATOR.is_valid({**event, "data": data})
    for spoiled in ({"amount": 1}, {"amount": "1"}, {"sequence": 0}, {"iban": "x"}):
        assert not VALIDATOR.is_valid({**event, "data": {**data, **spoiled}})
    assert not VALIDATOR.is_valid({**event, "type": "payout.lost", "data": data})


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER, SECRET), (SECRET, OTHER)])
def test_while_rotating_either_secret_verifies(secrets: tuple[str, ...]) -> None:
    signed = headers("msg_1", int(time.time()), b"{}", secrets)
    Webhook(SECRET).verify("{}", signed)
    for spoiled in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(time.time()) - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify("{}", signed | spoiled)


@pytest.mark.parametrize("status", [500, 503, 429, 404, 301, 307])
def test_what_is_not_taken_is_asked_again_in_order(market: Market, status: int) -> None:
    """A redirect is not followed: it could lead a signed event anywhere."""
    with told(market, "s1", "s1", "s2"), receiver() as elsewhere:
        moved = {"Location": elsewhere.url}
        with receiver(answer=lambda _: Response(status_code=status, headers=moved)) as it:
            assert it.post(market) == 0
            assert len(it.arrived) == 1  # it does not take anything now
            assert elsewhere.arrived == []
            it.answer = lambda _: Response(status_code=200)
            assert it.post(market) == 1  # s2; the first of s1 waits, the other one behind it
            market.at(CLOSE + 5 * SECOND)
            assert it.post(market) == 2
            sellers = [event["data"]["seller_id"] for _, event in it.arrived]
            assert sellers == ["s1", "s2", "s1", "s1"]
    assert events(market)[1]["attempts"] == 2


def test_one_event_that_is_refused_keeps_back_its_seller_alone(market: Market) -> None:
    with told(market, "s1", "s1", "s2", "s3"):
        refuse = {"s1": Response(status_code=422)}
        with receiver(
            answer=lambda e: refuse.get(e["data"]["seller_id"], Response(status_code=204))
        ) as it:
            assert it.post(market) == 2
        assert [e["is_posted"] for e in events(market)[1:]] == [False, False, True, True]
        assert events(market)[1]["last_problem"] == "HTTP 422"


def test_a_receiver_that_hangs_or_is_away_ends_in_time(market: Market) -> None:
    with told(market, "s1"), dripping() as url, receiver() as it:
        begun = time.monotonic()
        assert it.post(market, timeout_s=0.3, events_url=url) == 0
        assert time.monotonic() - begun < 3
        assert events(market)[1]["last_problem"] == "no answer in 0.3 s"
        market.at(CLOSE + 5 * SECOND)
        assert it.post(market, events_url="http://127.0.0.1:1/") == 0
        assert events(market)[1]["last_problem"] == "ConnectError"
        market.at(CLOSE + 24 * SECOND)
        assert it.post(market) == 0
        market.at(CLOSE + 25 * SECOND)
        assert it.post(market) == 1
        it.arrived.insert(0, it.arrived[0])
        assert {e["data"]["sequence"] for _, e in it.arrived} == {1}


def test_after_three_days_a_person_is_told_and_the_next_event_goes(market: Market) -> None:
    with told(market, "s1"), receiver(answer=lambda _: Response(status_code=500)) as it:
        for day in range(3):
            market.at(CLOSE + day * DAY)
            assert it.post(market) == 0
        write(market, "s1")
        market.at(CLOSE + 3 * DAY)
        assert market.kinds("alerts") == []
        it.answer = lambda _: Response(status_code=204)
        assert it.post(market) == 1
        assert market.kinds("alerts") == ["events_given_up"]
        message = market.value("dora", "select message from finance.alerts")
        assert message.startswith("1 events were not taken within three days (HTTP 500): mend")
        first, second = events(market)[1:]
        assert (first["is_given_up"], second["is_posted"]) == (True, True)
        # Again under the same id, whatever came of it.
        query = "select finance.replay_events(%s)"
        ids = [first["event_id"], second["event_id"]]
        assert market.value(ORCHESTRATOR, query, ids) == 2
        assert market.value(ORCHESTRATOR, query, ids) == 0  # they wait
        assert it.post(market) == 2
        assert [arrived for arrived, _ in it.arrived[-2:]] == ids
        said = market.refusal(ORCHESTRATOR, query, [ids[0], "msg_x"])
        assert said == "event msg_x is not known: nothing is posted again; see settle events"
        assert all(event["is_posted"] for event in events(market))
        assert market.rows("dora", "select replayed_by from finance.event_replays") == (
            [{"replayed_by": ORCHESTRATOR}] * 2
        )


def test_two_posters_share_the_work_in_order(market: Market) -> None:
    sellers = [f"s{n % 7}" for n in range(60)]
    with told(market, *sellers), receiver() as it:
        threads = [threading.Thread(target=it.post, args=[market]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        it.post(market)
        assert len(it.arrived) == len(sellers)
        for seller in {*sellers}:
            order = [
                e["data"]["sequence"] for _, e in it.arrived if e["data"]["seller_id"] == seller
            ]
            assert order == sorted(order)


def test_nothing_is_open_while_the_receiver_is_asked_and_payouts_go_on(market: Market) -> None:
    """It is asked for as long as a whole payout takes; the database waits for nobody."""
    seen: list[object] = []
    market.approved(*LINES)

    def pay(_: object) -> Response:
        if not seen:
            [poster] = market.rows(
                OWNER,
                "select count(*) filter (where xact_start is not null) as inside,"
                " bool_or(state = 'idle' and query like '%%claim_events%%') as is_there"
                " from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid()",
            )
            seen.extend(poster.values())
            with rail() as url:
                market.pay(url)
                seen.append(books(url)["payouts"])
        return Response(status_code=204)

    with receiver(answer=pay) as it:
        it.post(market, timeout_s=30)
        assert seen == [0, True, len(LINES)]
        it.check(market)


def test_a_poster_goes_on_when_the_receiver_is_back(market: Market) -> None:
    pauses: list[float] = []
    with told(market, "s1"), receiver(answer=lambda _: Response(status_code=500)) as it:

        def is_stopped(pause: float) -> bool:
            pauses.append(pause)
            if len(pauses) == 4:
                it.answer = lambda _: Response(status_code=204)
                market.at(CLOSE + 5 * SECOND)
            return len(pauses) > 6

        post_until(it.settings(market), is_stopped)
        assert pauses == [0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0]
        assert len(it.arrived) == 2


def test_a_copy_of_production_tells_nobody() -> None:
    from tests.security.test_copies import make_production, name_of

    with Market.open(is_fresh=True) as market, receiver() as it:
        from orchestrator.database.copies import declare_copy

        market.close(LINE)
        original = market.value("dora", "select installation_id from finance.installation")
        make_production(market)
        market.disconnect()
        declare_copy(market.settings, name_of(market))
        market.at(DUE)
        line = (
            f"this database is a copy of installation {original} and pays nobody and tells nobody"
        )
        with pytest.raises(SettleError, match=line):
            it.post(market)
        with pytest.raises(SettleError, match=line):
            post_until(it.settings(market), lambda _: False)
        assert market.refusal(ORCHESTRATOR, "select finance.replay_events('{x}')") == line
        assert it.arrived == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"SETTLE_EVENTS_URL": "http://shop.example/events"},
            "would send to shop.example in clear",
        ),
        ({"SETTLE_EVENTS_URL": "ftp://shop.example"}, "must be an http"),
        ({"SETTLE_EVENTS_URL": "https://u:p@shop.example"}, "without user and password"),
        ({"SETTLE_EVENTS_SECRET": "whsec_dG9vIHNob3J0"}, "SETTLE_EVENTS_SECRET is not whsec_"),
        ({"SETTLE_EVENTS_SECRET": SECRET[6:]}, "SETTLE_EVENTS_SECRET is not whsec_"),
        ({"SETTLE_EVENTS_SECRET": f"{SECRET},x"}, "SETTLE_EVENTS_SECRET is not whsec_"),
        ({"SETTLE_EVENTS_SECRET": SECRET + "!"}, "SETTLE_EVENTS_SECRET is not whsec_"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(SettleError, match=said) as refused:
        load_settings({"SETTLE_HOME": str(tmp_path), **variables})
    for secret in (SECRET, SECRET[6:], "u:p"):
        assert secret not in str(refused.value)


def test_production_takes_no_generated_secret(tmp_path: Path) -> None:
    settings = load_settings(
        {"SETTLE_HOME": str(tmp_path), "SETTLE_EVENTS_URL": "https://shop.example/events"}
    )
    with Endpoint(settings):
        made = (tmp_path / "secrets" / "settle_events_secret").read_text()
    load_settings({"SETTLE_HOME": str(tmp_path), "SETTLE_EVENTS_SECRET": made})
    Webhook(made)
    for url, variable in (("https://shop.example", "SECRET"), ("", "URL")):
        with pytest.raises(SettleError, match=f"SETTLE_EVENTS_{variable} is not set"):
            Endpoint(replace(settings, environment=Environment.PRODUCTION, events_url=url))
