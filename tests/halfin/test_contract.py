"""One contract for the rail: the sandbox keeps to it, and so do the documentation's examples.

The examples are written after the public documentation; their signatures are made by openssl.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from decimal import Decimal
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.halfin import BATCH_PATH, HalfinClient, RailResponse
from orchestrator.halfin.signature import EVENT_HEADER, SIGNATURE_HEADER, verify
from orchestrator.network.addresses import authorities
from tests.halfin.contract import CONTRACT, Json, problems
from tests.halfin.sandbox import (
    FAST,
    KEY,
    PAYOUT_PATH,
    SIGNING,
    ask,
    batch,
    http_server,
    line,
    lines,
    post,
    rail,
    refusal,
    until,
)

EXAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parent / "examples").glob("*.json")
}
WEBHOOKS = sorted(name for name in CONTRACT if name.startswith("webhook_"))
MAY_BE_LEFT_OUT = {"failure_code", "failure_reason", "metadata"}


def documented() -> dict[str, Json]:
    """The examples as `problems` takes them."""
    shapes = deepcopy(EXAMPLES)
    for name in WEBHOOKS:
        del shapes[name]["secret"], shapes[name]["sent_at"]
        shapes[name]["body"] = json.loads(shapes[name]["body"])
    return shapes


def seen(answer: httpx.Response) -> Json:
    return {
        "status": answer.status_code,
        "headers": {name.lower(): value for name, value in answer.headers.items()},
        "body": answer.json(),
    }


def posted(client: HalfinClient, path: str, body: bytes, key: str = KEY) -> Json:
    root = repr(client).split("'")[1]
    given = {"content": body, "headers": {"X-API-Key": key}}
    return seen(httpx.post(root + path, **given, trust_env=False, verify=authorities()))


def get(client: HalfinClient, path: str, key: str = KEY) -> Json:
    return seen(ask(client, f"/api{path}", key=key))


def from_a_sandbox_that_pays() -> Iterator[tuple[str, Json]]:
    hooks: dict[str, Json] = {}

    def receive(request: Request, body: bytes) -> Response:
        told = json.loads(body)
        name = "test" if told.get("type") == "test" else told["event"].removeprefix("payout.")
        hooks[f"webhook_{name}"] = {"headers": dict(request.headers), "body": told}
        assert verify(request.headers[SIGNATURE_HEADER], body, [SIGNING], int(time.time()))
        return Response(status_code=204)

    with (
        http_server(receive) as hook,
        rail(webhook_url=hook, failure_rate=0.5, opening_balance=Decimal(10_000)) as client,
    ):
        made = posted(client, "/v1/payouts/batch", batch(*lines(12)))
        yield "batch_created", made
        yield "payout_created", posted(client, "/v1/payouts", json.dumps(line(12)).encode())
        yield "error_conflict", posted(client, "/v1/payouts/batch", batch(line(20)))
        yield "error_validation", posted(client, "/v1/payouts/batch", b"{}")
        dear = batch(line(21, amount="99999"), key="b2")
        yield "error_state", posted(client, "/v1/payouts/batch", dear)
        yield "error_not_found", get(client, "/v1/payouts/none")
        yield "error_unauthorized", get(client, "/v1/balances", key="sk_test_" + "1" * 64)
        ask(client, "/sandbox/test-event", "POST")
        until(lambda: len(hooks) == 3)
        done = made["body"]["data"]
        until(lambda: client.get(BATCH_PATH, done["id"]).data["status"] == "completed")
        yield "batch", get(client, f"/v1/payouts/batch/{done['id']}")
        yield "payout", get(client, f"/v1/payouts/{done['payouts'][0]['id']}")
        yield "payouts_page", get(client, "/v1/payouts?limit=3&offset=2")
        yield "ledger_page", get(client, "/v1/balances/USDT_SPL/ledger?limit=2")
        yield "balances", get(client, "/v1/balances")
        yield "currencies", get(client, "/v1/currencies")
    yield from hooks.items()


def from_sandboxes_that_refuse() -> Iterator[tuple[str, Json]]:
    refusals: dict[str, Json] = {
        "error_rate_limited": {"rate_limit": 1},
        "error_internal": {"error_rate_500": 1.0},
        "error_offline": {"error_rate_503": 1.0},
        "error_forbidden": {"can_pay": False},
    }
    for name, config in refusals.items():
        with rail(**config) as client:
            get(client, "/v1/balances")
            yield name, posted(client, "/v1/payouts", json.dumps(line(1)).encode())
    with rail(refused_destination_rate=0.5) as client:
        bad = line(20, amount="0")
        yield "error_refused_lines", posted(client, BATCH_PATH, batch(*lines(12), bad))


@pytest.fixture(scope="module")
def by_source() -> dict[str, dict[str, Json]]:
    sandbox = dict([*from_a_sandbox_that_pays(), *from_sandboxes_that_refuse()])
    return {"sandbox": sandbox, "documentation": documented()}


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("source", ["sandbox", "documentation"])
def test_the_contract_is_kept(by_source: dict[str, Any], source: str, name: str) -> None:
    assert problems(name, by_source[source][name]) == []


@pytest.mark.parametrize("source", ["sandbox", "documentation"])
def test_every_shape_has_its_contract(by_source: dict[str, Any], source: str) -> None:
    assert by_source[source].keys() == CONTRACT.keys()


def test_the_sandbox_shows_no_field_that_is_not_documented(by_source: dict[str, Any]) -> None:
    for name in ("payout", "payout_created", "batch", "payouts_page", "balances"):
        shapes = []
        for source in ("sandbox", "documentation"):
            data = by_source[source][name]["body"]["data"]
            shapes.append(set(data[0] if isinstance(data, list) else data))
        assert shapes[0] == shapes[1], name


def fields(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each field of an answer stands; of a list, those of its first row."""
    children = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, child in children:
        if isinstance(key, str):
            yield (*at, key)
        if isinstance(child, dict | list) and key not in MAY_BE_LEFT_OUT:
            yield from fields(child, (*at, key))


def without(whole: Json, at: tuple[Any, ...]) -> Json:
    other = deepcopy(whole)
    del reduce(getitem, at[:-1], other)[at[-1]]
    return other


def with_odd(whole: Json, at: tuple[Any, ...]) -> Json:
    """The same with a number where no number with a fraction can stand: money is text."""
    other = deepcopy(whole)
    reduce(getitem, at[:-1], other)[at[-1]] = 1.5
    return other


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("source", ["sandbox", "documentation"])
def test_a_missing_or_odd_field_is_refused(
    by_source: dict[str, Any], source: str, name: str
) -> None:
    whole, places = by_source[source][name], list(fields(documented()[name]))
    assert len(places) > 4
    for at in places:
        if at[-1] not in MAY_BE_LEFT_OUT:
            assert problems(name, without(whole, at)), at
        assert problems(name, with_odd(whole, at)), at


def test_a_page_that_contradicts_itself_is_refused() -> None:
    for name in ("payouts_page", "ledger_page"):
        page = documented()[name]
        at = page["body"]["meta"]["pagination"]
        at["has_more"] = not at["has_more"]
        assert problems(name, page) == ["body.meta.pagination: does not fit the rows"]
        at["has_more"] = not at["has_more"]
        page["body"]["data"].reverse()
        page["body"]["data"][0]["created_at"] = "2000-01-01T00:00:00Z"
        assert problems(name, page) == ["body.data: the newest row is not the first"]


@contextmanager
def documented_rail(name: str) -> Iterator[HalfinClient]:
    """A rail that gives the documentation's example to every call."""
    example = EXAMPLES[name]

    def answer(request: Request, body: bytes) -> Response:
        return Response(json.dumps(example["body"]), example["status"], example["headers"])

    with (
        http_server(answer) as url,
        HalfinClient(url, KEY, attempts=1, **FAST) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("currencies", lambda client: client.currencies()),
        ("balances", lambda client: client.balances()),
        ("payout", lambda client: client.get(PAYOUT_PATH, "p")),
        ("payout_created", lambda client: post(client, b"{}", PAYOUT_PATH)),
        ("batch", lambda client: client.get(BATCH_PATH, "b")),
        ("batch_created", lambda client: post(client, b"{}")),
    ],
)
def test_our_client_reads_the_documented_answers(name: str, call: Any) -> None:
    with documented_rail(name) as client:
        answer: RailResponse = call(client)
    assert answer.is_success
    assert answer.data == EXAMPLES[name]["body"]["data"]
    assert answer.request_id == EXAMPLES[name]["body"]["meta"]["request_id"]


@pytest.mark.parametrize("name", [name for name in CONTRACT if name.startswith("error_")])
def test_our_client_reads_the_documented_refusals(name: str) -> None:
    with documented_rail(name) as client:
        answer = post(client, b"{}")
    error = EXAMPLES[name]["body"]["error"]
    assert answer.http_status == EXAMPLES[name]["status"]
    assert answer.is_worth_a_retry is (answer.http_status in (429, 500, 503))
    assert refusal(answer) == (error["code"], error["details"])
    assert answer.said == error["message"]
    assert answer.request_id == EXAMPLES[name]["body"]["meta"]["request_id"]


@pytest.mark.parametrize("name", WEBHOOKS)
def test_our_receiver_reads_the_documented_signatures(name: str) -> None:
    example = EXAMPLES[name]
    header, body = example["headers"][SIGNATURE_HEADER.lower()], example["body"].encode()
    secret, at = example["secret"], example["sent_at"]
    assert verify(header, body, [secret], at + 300)
    assert not verify(header, body, [secret], at + 301)
    assert not verify(header, body + b" ", [secret], at)
    assert not verify(header, body, [f"not {secret}"], at)
    assert example["headers"][EVENT_HEADER.lower()] == json.loads(body)["event"]
