"""What the sandbox lets go wrong, on request: by its rate, and the same again for the same seed."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import SettleError
from orchestrator.halfin import HalfinClient
from tests.halfin.contract import OTHER_STATES, problems
from tests.halfin.sandbox import (
    PAYOUT_PATH,
    Hook,
    ask,
    attempts,
    batch,
    hooked_rail,
    line,
    lines,
    post,
    post_one,
    rail,
    refusal,
    until,
)

LATE = timedelta(seconds=0.4)


def webhooks(client: HalfinClient) -> dict[str, int]:
    counted: dict[str, int] = ask(client, "/sandbox/state").json()["webhooks"]
    return counted


def balances(client: HalfinClient) -> dict[str, tuple[str, str]]:
    return {row["currency"]: (row["available"], row["pending"]) for row in client.balances().data}


def ledger(client: HalfinClient, currency: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(client, f"/api/v1/balances/{currency}/ledger").json()["data"]
    return rows


def statuses(client: HalfinClient) -> Counter[str]:
    return Counter(ask(client, "/sandbox/state").json()["by_status"])


def struck(**faults: Any) -> list[tuple[int, str | None]]:
    """The status and the fault of each of thirty calls."""
    with rail(attempts=1, **faults) as client:
        for n in range(30):
            post_one(client, line(n))
        calls = ask(client, "/sandbox/calls").json()
        return [(call["status"], call["fault"]) for call in calls]


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        ({"error_rate_429": 0.3}, 429, "429"),
        ({"error_rate_500": 0.3}, 500, "500"),
        ({"error_rate_503": 0.3}, 503, "503"),
        ({"slow_rate": 0.3, "slow_s": 0.01}, 201, "slow"),
        ({"accept_then_drop_rate": 0.3}, 201, "lost"),
        ({"cut_body_rate": 0.3}, 201, "cut"),
    ],
)
def test_a_fault_strikes_some_calls_by_its_seed(
    fault: dict[str, Any], status: int, name: str
) -> None:
    calls = struck(**fault)
    assert Counter(calls).keys() == {(status, name), (201, None)}
    assert 3 <= Counter(calls)[status, name] <= 15
    assert struck(**fault) == calls != struck(**fault, seed=2)


def test_a_refused_call_names_its_lines_and_creates_nothing() -> None:
    with rail(refused_destination_rate=0.3) as client:
        code, details = refusal(post(client, batch(*lines(12))))
        places = {int(detail.removeprefix("payouts[").partition("]")[0]) for detail in details}
        assert (code, 1 <= len(places) == len(details) < 12) == ("validation_error", True)
        assert {detail.partition(".")[2] for detail in details} == {"destination: is not served"}
        assert ask(client, "/sandbox/state").json()["payouts"] == 0
        # Alone, or in another call: it is the destination that the rail does not serve.
        for n in range(12):
            assert post_one(client, line(n)).http_status == (400 if n in places else 201)


def test_a_refusal_names_some_of_its_lines_at_most() -> None:
    with rail(refused_destination_rate=0.5) as client:
        _, all_of_them = refusal(post(client, batch(*lines(12))))
    with rail(refused_destination_rate=0.5, most_named_lines=1) as client:
        assert refusal(post(client, batch(*lines(12))))[1] == all_of_them[:1]
    assert len(all_of_them) > 1


def test_a_slow_answer_is_late_and_the_call_was_taken() -> None:
    with rail(attempts=1, timeout_s=0.2, slow_s=0.6) as client:
        assert post(client, batch(*lines(3))).http_status == 0
        assert ask(client, "/sandbox/state").json()["payouts"] == 3
    with rail(slow_s=0.3, fault_limit=1) as client:
        begun = time.monotonic()
        assert client.balances().is_success
        assert time.monotonic() - begun >= 0.3


def arrivals(count: int, *, lines_sent: int = 12, **faults: Any) -> list[Hook]:
    """What arrived when this many webhooks were acknowledged."""
    with hooked_rail(webhook_concurrency=1, **faults) as (client, arrived):
        post(client, batch(*lines(lines_sent)))
        until(lambda: webhooks(client)["acknowledged"] == count)
        assert webhooks(client)["pending"] == 0
        return list(arrived)


def test_a_webhook_comes_three_times() -> None:
    hooks = arrivals(36, duplicate_webhooks=2)
    assert set(Counter(h.data["id"] for h in hooks).values()) == {3}


def test_webhooks_overtake_each_other() -> None:
    def order(**faults: Any) -> list[str]:
        return [h.data["idempotency_key"] for h in arrivals(12, **faults)]

    in_order = [f"l{n}" for n in range(12)]
    jittered = order(webhook_jitter_s=1.0)
    assert order() == in_order == sorted(jittered, key=in_order.index) != jittered
    assert order(webhook_jitter_s=1.0) == jittered != order(webhook_jitter_s=1.0, seed=2)


def test_webhooks_are_late() -> None:
    with hooked_rail(webhook_delay_s=LATE.total_seconds()) as (client, arrived):
        post(client, batch(*lines(3)))
        until(lambda: len(arrived) == 3)
        for hook in arrived:
            assert hook.arrived_at - datetime.fromisoformat(hook.data["completed_at"]) >= LATE


def test_some_webhooks_never_come() -> None:
    def run(seed: int) -> set[str]:
        with hooked_rail(drop_webhook_rate=0.5, seed=seed) as (client, arrived):
            post(client, batch(*lines(20)))
            until(lambda: webhooks(client)["acknowledged"] + webhooks(client)["dropped"] == 20)
            assert 4 <= webhooks(client)["dropped"] == 20 - len(arrived) <= 16
            return {h.data["idempotency_key"] for h in arrived}

    assert run(1) == run(1) != run(2)


def test_some_webhooks_are_wrongly_signed_at_first() -> None:
    def run(seed: int) -> list[str]:
        hooks = arrivals(12, bad_signature_rate=0.5, seed=seed)
        wrong = [h.data["idempotency_key"] for h in hooks if not h.is_signed]
        assert 1 <= len(wrong) == len(hooks) - 12 <= 11
        return sorted(wrong)

    assert run(1) == run(1) != run(2)


@pytest.mark.parametrize("is_batch", [True, False])
def test_the_webhook_comes_before_the_answer(is_batch: bool) -> None:
    slow = {"approval_delay_s": 0.3, "webhook_delay_s": 0.3}
    for rate, count in ((1.0, 1), (0.0, 0)):
        with hooked_rail(early_webhook_rate=rate, **slow) as (client, arrived):
            answer = post(client, batch(line(1))) if is_batch else post_one(client, line(1))
            assert len(arrived) == count
            [made] = answer.data["payouts"] if is_batch else [answer.data]
            assert made["status"] == "pending_approval"
            assert [h.data["id"] for h in arrived] == [made["id"]] * count
            assert client.get(PAYOUT_PATH, made["id"]).data["status"] == (
                "completed" if count else "pending_approval"
            )


def test_the_webhook_comes_and_the_answer_never() -> None:
    faults = {"early_webhook_rate": 1.0, "accept_then_drop_rate": 1.0, "fault_limit": 1}
    with hooked_rail(**faults) as (client, arrived):
        tried = attempts(client, batch(*lines(6)))
        assert ([a.http_status for a in tried], len(arrived)) == ([0, 200], 6)


def test_an_early_webhook_waits_for_nobody_who_is_away() -> None:
    with rail(webhook_url="http://127.0.0.1:1/", early_webhook_rate=1.0) as client:
        assert post(client, batch(*lines(3))).is_success
        assert webhooks(client)["sent"] >= 3
    with (
        pytest.raises(SettleError, match="have no early webhooks"),
        rail(early_webhook_rate=1.0, auto_approve=False),
    ):
        pass


def test_a_failed_payout_completes_after_all() -> None:
    settings = {"completed_after_failed_rate": 1.0, "completed_after_failed_s": 0.5}
    with hooked_rail(**settings) as (client, arrived):
        before = balances(client)
        made = post(client, batch(line(1))).data["payouts"][0]
        until(lambda: len(arrived) == 1)
        failed = client.get(PAYOUT_PATH, made["id"]).data
        assert (failed["status"], failed["tx_hash"]) == ("failed", None)
        assert balances(client) == before
        assert [row["type"] for row in ledger(client, "USDT_TRC20")] == ["deposit"]

        until(lambda: len(arrived) == 2)
        completed = client.get(PAYOUT_PATH, made["id"]).data
        assert completed["status"] == "completed"
        assert completed["tx_hash"]
        fee, paid, _ = ledger(client, "USDT_TRC20")
        assert (fee["type"], paid["type"]) == ("fee", "payout")
        assert fee["payout_id"] == paid["payout_id"] == made["id"]
        assert Decimal(paid["amount"]) == -Decimal(made["amount"])
        cost = Decimal(made["network_fee"]) + Decimal(made["fee_amount"])
        assert Decimal(fee["amount"]) == -cost
        assert balances(client)["USDT_TRC20"] == (fee["balance"], "0.000000")
        assert [(h.event, h.data["status"]) for h in arrived] == [
            ("payout.failed", "failed"),
            ("payout.completed", "completed"),
        ]
        assert ["failure_code" in h.data for h in arrived] == [True, False]


def test_a_late_webhook_still_tells_what_was() -> None:
    settings = {"completed_after_failed_rate": 1.0, "completed_after_failed_s": 0.0}
    with hooked_rail(webhook_delay_s=0.3, **settings) as (client, arrived):
        post(client, batch(*lines(3)))
        until(lambda: statuses(client)["completed"] == 3)
        until(lambda: len(arrived) == 6)
        assert all(h.event == f"payout.{h.data['status']}" for h in arrived)


def test_completed_after_failed_outlives_a_restart(tmp_path: Path) -> None:
    settings = {"completed_after_failed_rate": 0.5, "state_file": tmp_path / "books.json"}

    def settled(seconds: float, is_done: Callable[[Counter[str]], bool]) -> Counter[str]:
        with rail(completed_after_failed_s=seconds, **settings) as client:
            post(client, batch(*lines(20)))
            until(lambda: is_done(statuses(client)))
            return statuses(client)

    first = settled(60.0, lambda by: by["failed"] + by["completed"] == 20)
    assert 4 <= first["failed"] <= 16
    assert settled(0.0, lambda by: by["completed"] == 20) == {"completed": 20}


def test_a_paid_payout_is_sent_back() -> None:
    settings = {"returned_rate": 1.0, "returned_s": 0.5, "return_word": "reversal"}
    with hooked_rail(**settings) as (client, arrived):
        before = balances(client)["USDT_TRC20"]
        made = post(client, batch(line(1))).data["payouts"][0]
        until(lambda: len(arrived) == 1)
        assert client.get(PAYOUT_PATH, made["id"]).data["status"] == "completed"

        until(lambda: len(arrived) == 2)
        answer = ask(client, f"/api{PAYOUT_PATH}/{made['id']}")
        seen = {"status": 200, "headers": dict(answer.headers), "body": answer.json()}
        assert problems("payout", seen) == []
        assert answer.json()["data"]["status"] == "failed"
        back, fee, paid, _ = ledger(client, "USDT_TRC20")
        assert [row["type"] for row in (back, fee, paid)] == ["reversal", "fee", "payout"]
        assert Decimal(back["amount"]) == -Decimal(paid["amount"]) == Decimal(made["amount"])
        cost = Decimal(made["network_fee"]) + Decimal(made["fee_amount"])
        assert Decimal(balances(client)["USDT_TRC20"][0]) == Decimal(before[0]) - cost
        assert [h.event for h in arrived] == ["payout.completed", "payout.failed"]
        assert arrived[1].data["failure_code"] == "returned"


def test_a_silent_return_shows_in_the_ledger_alone_and_outlives_a_restart(tmp_path: Path) -> None:
    settings = {"returned_rate": 1.0, "returned_s": 0.0, "is_return_silent": True}
    settings |= {"state_file": tmp_path / "books.json"}
    for _ in range(2):  # the second life sends nothing back again
        with hooked_rail(**settings) as (client, arrived):
            made = post(client, batch(line(1))).data["payouts"][0]
            until(lambda: len(ledger(client, "USDT_TRC20")) == 4)
            assert client.get(PAYOUT_PATH, made["id"]).data["status"] == "completed"
            until(lambda: [h.event for h in arrived] in ([], ["payout.completed"]))


@pytest.mark.parametrize("state", OTHER_STATES)
def test_a_payout_ends_in_a_state_that_is_not_documented(state: str) -> None:
    with hooked_rail(other_state_rate=1.0, other_state=state) as (client, arrived):
        before = balances(client)
        made = post(client, batch(line(1))).data["payouts"][0]
        until(lambda: statuses(client)[state] == 1)
        answer = ask(client, f"/api{PAYOUT_PATH}/{made['id']}")
        seen = {"status": 200, "headers": dict(answer.headers), "body": answer.json()}
        assert problems("payout", seen) == []
        assert (balances(client), arrived) == (before, [])


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"failure_rate": 1.5}, "failure_rate is 1.5: a rate is 0 to 1"),
        ({"error_rate_429": -0.1}, "error_rate_429 is -0.1"),
        ({"early_webhook_rate": float("nan")}, "early_webhook_rate is nan"),
        ({"webhook_jitter_s": -1.0}, "webhook_jitter_s is -1.0: it is seconds, 0 or more"),
        ({"slow_s": float("inf")}, "slow_s is inf"),
        ({"slow_rate": 0.5}, "slow answers take no time"),
    ],
)
def test_an_impossible_fault_is_refused(odd: dict[str, Any], why: str) -> None:
    with pytest.raises(SettleError, match=why), rail(**odd):
        pass
