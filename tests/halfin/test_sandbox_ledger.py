"""The sandbox's books, large, killed and looked at; and `settle sandbox` as its user runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from orchestrator.cli import app_of
from orchestrator.halfin import HalfinClient
from tests.halfin.sandbox import (
    FAST,
    KEY,
    SIGNING,
    ask,
    attempts,
    batch,
    line,
    lines,
    post,
    post_one,
    rail,
    refusal,
    until,
)


@contextmanager
def settle_sandbox(home: Path, *arguments: str) -> Iterator[tuple[HalfinClient, int]]:
    """The verb in a process of its own; killed at the end, if it still runs."""
    known = {"HALFIN_API_KEY": KEY, "HALFIN_WEBHOOK_SECRET": SIGNING, "SETTLE_HOME": str(home)}
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "sandbox"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--webhook-url", "", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | known,
    )
    try:
        url = process.stdout.readline().split()[-1] if process.stdout else ""
        with HalfinClient(url, KEY, **FAST) as client:
            yield client, process.pid
    finally:
        process.kill()
        process.communicate(timeout=10)


def state(client: HalfinClient) -> dict[str, Any]:
    counted: dict[str, Any] = ask(client, "/sandbox/state").json()
    return counted


def books_shown(client: HalfinClient) -> list[Any]:
    codes = [row["currency"] for row in client.balances().data]
    paths = ["payouts", "balances", *(f"balances/{code}/ledger" for code in codes)]
    return [ask(client, f"/api/v1/{path}").json()["data"] for path in paths]


def release(client: HalfinClient, body: Any = None, **headers: str) -> httpx.Response:
    root = repr(client).split("'")[1].removesuffix("/api")
    return httpx.post(
        root + "/sandbox/release",
        json=body,
        headers=headers,
        trust_env=False,
        follow_redirects=True,
    )


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    books = tmp_path / "books.json"
    keep = ("--hold", "--state-file", str(books))
    with settle_sandbox(tmp_path, *keep) as (client, pid):
        made = post(client, batch(*lines(6))).data["payouts"]
        for n in range(6, 9):
            assert post_one(client, line(n)).http_status == 201
        assert release(client, {"ids": [made[0]["id"]]}).json() == {"released": 1}
        until(lambda: state(client)["by_status"].get("completed") == 1)
        before = books_shown(client)
        os.kill(pid, signal.SIGKILL)
    with (tmp_path / "books.json.journal").open("a") as journal:
        journal.write('{"payouts": {"cut off')
    for _ in range(2):
        with settle_sandbox(tmp_path, *keep) as (client, _pid):
            assert post(client, batch(*lines(6))).http_status == 200
            assert post_one(client, line(8)).http_status == 200
            assert state(client)["by_status"] == {"completed": 1, "pending_approval": 8}
            assert books_shown(client) == before


def test_a_payout_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    books = tmp_path / "books.json"
    with rail(state_file=books, auto_approve=False) as client:
        written = []
        for n in range(60):
            post_one(client, line(n))
            written.append(books.stat().st_size + Path(f"{books}.journal").stat().st_size)
        steps = [b - a for a, b in pairwise(written)]
        assert max(steps) < 2 * min(steps)


def test_books_that_cannot_be_kept_are_one_clear_line(tmp_path: Path) -> None:
    books = tmp_path / "books.json"
    books.write_text("[")
    runner = CliRunner(env={"SETTLE_HOME": str(tmp_path / "home"), "HALFIN_API_KEY": KEY})
    for path, why in ((books, "cannot be read"), (books / "below", "cannot be written")):
        answer = runner.invoke(app_of(), ["sandbox", "--port", "0", "--state-file", str(path)])
        assert why in str(answer.exception)
        assert "listens" not in answer.output


def test_forty_thousand_lines_take_ten_times_as_long_as_four_thousand() -> None:
    def seconds(count: int) -> float:
        places = [line(n) for n in range(3)]
        many = [
            places[n % 3] | {"amount": "1.25", "idempotency_key": f"2026-W47-line-{n:032}"}
            | {"description": f"Payout of 2026-W47, line {n}", "metadata": {"line_id": str(n)}}
            for n in range(count)
        ]  # fmt: skip
        with rail(timeout_s=60) as client:
            body = batch(*many)
            begun = time.monotonic()
            assert len(post(client, body).data["payouts"]) == count
            taken = time.monotonic() - begun
            until(lambda: state(client)["by_status"].get("completed") == count)
            return taken

    seconds(400)
    assert seconds(40_000) < 30 * seconds(4000)  # 1.6 and 0.17 s on a quiet machine


def test_some_or_all_are_released() -> None:
    with rail(auto_approve=False) as client:
        ids = [p["id"] for p in post(client, batch(*lines(5))).data["payouts"]]
        refused = release(client, {"ids": [ids[0], "none"]})
        assert (refused.status_code, refused.json()["error"]["details"]) == (404, ["none"])
        for odd in ({"ids": "all"}, {"ids": [1]}, {}, []):
            assert release(client, odd).json()["error"]["code"] == "validation_error"
        assert state(client)["by_status"] == {"pending_approval": 5}
        assert release(client, {"ids": ids[:2]}).json() == {"released": 2}
        assert release(client, {"ids": ids[:2]}).json() == {"released": 0}
        until(lambda: state(client)["by_status"] == {"completed": 2, "pending_approval": 3})
        assert release(client).json() == {"released": 3}


def test_the_page_shows_what_came_in() -> None:
    odd_key = '<script>"\ud800'
    with rail(auto_approve=False, error_rate_500=1.0, fault_limit=1) as client:
        assert "None yet." in ask(client, "/").text
        post(client, batch(*lines(6), key=odd_key))
        post(client, batch(*lines(6), key=odd_key))
        text = " ".join(ask(client, "/").text.split())
        assert "<script" not in text
        assert "&lt;script&gt;&#34;?" in text
        for shown in ("5.50 USDT_ERC20 · 7.50", "<td", ">500<", ">new<", ">repeated<"):
            assert shown in text, shown
        digest = ask(client, "/sandbox/calls").json()[0]["body_sha256"]
        assert text.count(digest[:12]) == 3
        assert "Release 6 pending" in text
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        after = release(client, **form)
        assert (after.url.path, after.status_code) == ("/", 200)
        until(lambda: state(client)["by_status"] == {"completed": 6})
        assert "<button" not in ask(client, "/").text


def test_settle_sandbox_does_as_its_switches_say(tmp_path: Path) -> None:
    switches = "--hold --max-lines 2 --error-rate-503 1 --cut-body-rate 1 --fault-limit 1"
    with settle_sandbox(tmp_path, *switches.split()) as (client, _):
        tried = attempts(client, batch(*lines(2)))
        assert [a.http_status for a in tried] == [503, 201, 200]
        assert [a.is_success for a in tried] == [False, False, True]
        assert [c["fault"] for c in ask(client, "/sandbox/calls").json()] == ["503", "cut", None]
        code, _ = refusal(post(client, batch(*lines(3), key="b2")))
        assert code == "validation_error"
        assert state(client)["by_status"] == {"pending_approval": 2}


@pytest.mark.parametrize(
    "arguments", ["--early-webhook-rate 1.1", "--webhook-jitter -1", "--duplicate-webhooks -1"]
)
def test_an_impossible_switch_is_bad_usage(arguments: str) -> None:
    answer = CliRunner().invoke(app_of(), ["sandbox", *arguments.split()])
    assert answer.exit_code == 2
    assert "than or equal to" in " ".join(answer.output.replace("│", " ").split())
