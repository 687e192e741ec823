"""The sandbox: what it refuses, its books, its lists."""

import socket
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import SettleError
from orchestrator.halfin import BATCH_PATH
from orchestrator.halfin_sandbox import SandboxConfig, serve
from tests.halfin.sandbox import (
    KEY,
    ask,
    batch,
    line,
    lines,
    post,
    rail,
    refusal,
    until,
)


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        ({"destination": line(1)["destination"]}, "destination: is not a valid SOLANA address"),
        ({"destination": line(2)["destination"] + "\n"}, "destination: is not a valid"),
        ({"amount": "0.0"}, "amount: must be above 0"),
        ({"amount": "1.0000001"}, "amount: must be above 0, with at most 6"),
        ({"amount": 5}, "amount: must be text"),
        ({"currency": "USDT_BEP20"}, "currency: USDT_BEP20 is not known"),
        ({"description": "x" * 1001}, "description: must be text of at most 1000"),
        ({"metadata": dict.fromkeys(map(str, range(51)))}, "metadata: must be an object"),
    ],
)
def test_one_bad_line_refuses_the_whole_batch(bad: dict[str, Any], detail: str) -> None:
    with rail() as client:
        answer = post(client, batch(line(0), line(1), line(2, **bad)))
        code, details = refusal(answer)
        assert (answer.http_status, code, len(details)) == (400, "validation_error", 1)
        assert details[0].startswith(f"payouts[2].{detail}")
        assert ask(client, "/sandbox/state").json()["idempotency_keys"] == 0


def test_checksums_repeated_keys_and_the_balance() -> None:
    last = line(1)["destination"][-1]
    account = line(171)["destination"]
    odd_case = "0x" + account[2:].swapcase()
    mistyped = line(1)["destination"][:-1] + ("y" if last == "z" else "z")
    with rail(opening_balance=Decimal(10)) as client:
        in_one_case = line(0, amount="90", destination=account.lower())
        assert refusal(post(client, batch(in_one_case)))[0] == "invalid_state"  # the balance
        for bad in (line(0, destination=odd_case), line(1, destination=mistyped)):
            assert "is not a valid" in refusal(post(client, batch(bad)))[1][0]
        [twice] = refusal(post(client, batch(line(0), line(0))))[1]
        assert "is used twice" in twice
        short = post(client, batch(line(1, amount="9")))
        assert (short.http_status, refusal(short)[0]) == (400, "invalid_state")
        assert post(client, batch(line(1, amount="8.9"))).is_success
        for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
            odd = post(client, body)
            assert (odd.http_status, refusal(odd)[0]) == (400, "validation_error")


def test_a_run_repeats_itself() -> None:
    def run() -> list[tuple[str, str]]:
        with rail(failure_rate=0.3, seed=7) as client:
            batch_id = post(client, batch(*lines(20))).data["id"]
            until(lambda: client.get(BATCH_PATH, batch_id).data["status"] == "completed")
            return [
                (p["id"], p["status"]) for p in client.get(BATCH_PATH, batch_id).data["payouts"]
            ]

    assert run() == run()


def test_the_books_balance_and_survive_a_restart(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"state_file": tmp_path / "rail" / "books.json", "failure_rate": 0.3}
    with rail(auto_approve=False, **kept) as client:
        batch_id = post(client, batch(*lines(20))).data["id"]
        pending = client.balances().data
        assert all(Decimal(row["pending"]) > 0 for row in pending)
    with rail(auto_approve=False, **kept) as client:
        assert client.balances().data == pending
        assert post(client, batch(*lines(20))).http_status == 200
    with rail(**kept) as client:
        until(lambda: client.get(BATCH_PATH, batch_id).data["status"] == "completed")
        payouts = client.get(BATCH_PATH, batch_id).data["payouts"]
        for row in client.balances().data:
            ledger = ask(client, f"/api/v1/balances/{row['currency']}/ledger?limit=100").json()
            assert ledger["meta"]["pagination"]["has_more"] is False
            moves = ledger["data"]
            assert Decimal(moves[0]["balance"]) == sum(Decimal(m["amount"]) for m in moves)
            assert (row["available"], row["pending"]) == (moves[0]["balance"], "0.000000")
            paid = [p for p in payouts if p["currency"] == row["currency"]]
            done = sum(Decimal(p["amount"]) for p in paid if p["status"] == "completed")
            fees = sum(Decimal(p["fee_amount"]) + Decimal(p["network_fee"]) for p in paid)
            assert (Decimal(row["total_paid_out"]), Decimal(row["total_fees"])) == (done, fees)


def test_lists_are_paged() -> None:
    with rail() as client:
        post(client, batch(*lines(5)))
        pages = [ask(client, f"/api/v1/payouts?limit=2&offset={n}").json() for n in (0, 2, 4)]
        assert len({p["id"] for page in pages for p in page["data"]}) == 5
        assert [page["meta"]["pagination"]["has_more"] for page in pages] == [True, True, False]
        assert ask(client, "/api/v1/payouts?limit=101").status_code == 400
        assert ask(client, "/api/v1/nothing").json()["error"]["code"] == "not_found"
        assert ask(client, "/healthz").json() == {"status": "ok"}


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettleError, match=rf"127\.0\.0\.1:{port} .*--port"):
            serve(SandboxConfig(api_key=KEY), port=port)


def test_four_thousand_lines_are_taken_at_once() -> None:
    many = [line(n, destination=line(n % 3)["destination"]) for n in range(4000)]
    with rail() as client:
        begun = time.monotonic()
        assert len(post(client, batch(*many)).data["payouts"]) == 4000
        assert time.monotonic() - begun < 3  # 0.2 to 0.4 s on a quiet machine
