"""The client's attempts: what runs before and after each, how fast they may follow, and pages."""

import threading
import time
from typing import Any

import pytest

from orchestrator.errors import SettleError
from orchestrator.halfin import BATCH_PATH, PAGE_ROWS, HalfinClient, RailResponse
from orchestrator.network.moving_window import MovingWindow
from tests.halfin.sandbox import FAST, KEY, ask, batch, line, lines, post_one, rail, until

WINDOW_S = 0.2


def times_through(pace: MovingWindow, calls: int) -> list[float]:
    through = []
    for _ in range(calls):
        pace.wait()
        through.append(time.monotonic())
    return through


def are_paced(times: list[float], limit: int = 3) -> bool:
    """Whether one call above the limit always spans a window; we see each a moment late."""
    spans = [times[n + limit] - times[n] for n in range(len(times) - limit)]
    return min(spans) > 0.95 * WINDOW_S


def statuses(client: HalfinClient) -> list[int]:
    """The status of each call that reached the sandbox."""
    return [call["status"] for call in ask(client, "/sandbox/calls").json()]


def test_before_and_after_frame_every_attempt() -> None:
    steps: list[Any] = []

    def body() -> list[bytes]:
        steps.append("body")
        return [batch(*lines(2))]

    with rail(error_rate_500=1.0, fault_limit=2) as client:
        answer = client.post(
            BATCH_PATH, body, before=lambda: steps.append("before"), after=steps.append
        )
        assert answer is steps[-1]
    assert steps[0::3] == ["before"] * 3
    assert steps[1::3] == ["body"] * 3
    assert [answer.http_status for answer in steps[2::3]] == [500, 500, 201]


def test_what_stops_before_an_attempt_sends_nothing_more() -> None:
    answers: list[RailResponse] = []

    def before() -> None:
        if answers:
            raise SettleError("payouts are paused")

    with rail(error_rate_500=1.0) as client:
        with pytest.raises(SettleError, match="payouts are paused"):
            client.post(BATCH_PATH, lambda: [batch(line(1))], before=before, after=answers.append)
        assert [answer.http_status for answer in answers] == statuses(client) == [500]


def test_an_answer_that_cannot_be_kept_stops() -> None:
    def after(answer: RailResponse) -> None:
        raise SettleError(f"the database is away, and the rail said {answer.http_status}")

    with rail(error_rate_500=1.0) as client:
        with pytest.raises(SettleError, match="the rail said 500"):
            client.post(BATCH_PATH, lambda: [batch(line(1))], after=after)
        assert statuses(client) == [500]


def test_a_path_that_is_none_is_one_clear_line() -> None:
    with (
        HalfinClient("http://127.0.0.1:1/api", KEY, **FAST) as client,
        pytest.raises(SettleError, match="'v1/payouts' must start with /"),
    ):
        client.post("v1/payouts", lambda: [b"{}"])


def test_a_pace_lets_so_many_through_in_any_window() -> None:
    begun = time.monotonic()
    through = times_through(MovingWindow(3, WINDOW_S), 8)
    assert through[2] - begun < WINDOW_S  # the first ones do not wait
    assert are_paced(through)
    assert through[-1] - begun < 4 * WINDOW_S


def test_who_pauses_may_go_at_once() -> None:
    pace = MovingWindow(3, WINDOW_S)
    times_through(pace, 3)
    time.sleep(WINDOW_S)
    begun = time.monotonic()
    assert times_through(pace, 3)[-1] - begun < WINDOW_S / 2


def test_threads_share_a_pace() -> None:
    pace, through = MovingWindow(3, WINDOW_S), []
    threads = [
        threading.Thread(target=lambda: through.extend(times_through(pace, 2))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    through.sort()
    assert len(through) == 8
    assert are_paced(through)


def test_attempts_keep_to_the_pace_too() -> None:
    """The retries of one call count as calls."""
    with rail(error_rate_500=1.0) as client:
        client._pace = MovingWindow(2, WINDOW_S)
        begun: list[float] = []
        answer = client.post(
            BATCH_PATH, lambda: [batch(line(1))], before=lambda: begun.append(time.monotonic())
        )
        assert answer.http_status == 500
        assert statuses(client) == [500] * 5
    assert are_paced(begun, limit=2)


def test_a_ledger_goes_on_page_by_page() -> None:
    with rail() as client:
        for n in range(PAGE_ROWS // 2):  # a payout and its fee, each time
            post_one(client, line(n) | {k: line(1)[k] for k in ("currency", "destination")})
        until(lambda: bool(client.ledger("USDT_TRC20", offset=PAGE_ROWS).data))
        first, second = (client.ledger("USDT_TRC20", offset=n) for n in (0, PAGE_ROWS))
    assert (len(first.data), first.has_more) == (PAGE_ROWS, True)
    assert ([row["type"] for row in second.data], second.has_more) == (["deposit"], False)
