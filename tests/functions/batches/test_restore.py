"""A backup taken in the middle of a payout, restored after the rail went on: nobody is paid twice.

The backup is pg_dump's, the restore pg_restore's, as an operator runs them.
"""

import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.database.migrate import prepare_database
from orchestrator.embedded_postgres.system_user import programs_for, server_user
from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import (
    CLOSE,
    DUE,
    LINES,
    NEXT_WINDOW,
    WEEK,
    WINDOW,
    Line,
    Market,
    books,
    eventually,
    forward,
    odd_rail,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import LINE, RECEIVE, concluded, payout
from tests.functions.situations import COMPARE, FREEZE
from tests.halfin.sandbox import KEY

_numbers = itertools.count()
Backup = Callable[[Market], None]


@contextmanager
def restored(market: Market, dump: Path) -> Iterator[Market]:
    """The market as the backup has it, in another database of the same server."""
    name = f"restored_{next(_numbers)}"
    market.rows(OWNER, f'create database "{name}" template template0')
    copy = Market(market.settings.home, name)
    run("pg_restore", "--exit-on-error", "--dbname", copy.url(OWNER), str(dump))
    try:
        prepare_database(copy.settings)
        yield copy
    finally:
        copy.disconnect()
        market.rows(OWNER, f'drop database "{name}" with (force)')


def run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [programs_for(server_user()) / program, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def pay_with_backup(market: Market, url: str, moment: str, dump: Path) -> None:
    """Pay the window and back the database up at the moment; what came after it is lost."""

    def back_up() -> None:
        run("pg_dump", "--format", "custom", "--file", str(dump), market.url(OWNER))

    def answer(request: Request, body: bytes) -> Response:
        if moment == "the call is on its way":
            back_up()
        answered = forward(url, request, body)
        if moment == "the answer is on its way":
            back_up()
        return answered

    if moment == "before the freeze":
        back_up()
    if moment == "frozen":
        market.freeze()
        back_up()
    with odd_rail(url, answer) as odd:
        assert market.pay(odd).state == "accepted"
    if moment == "accepted":
        back_up()
    assert dump.is_file()


@pytest.mark.parametrize(
    "moment",
    [
        "before the freeze",
        "frozen",
        "the call is on its way",
        "the answer is on its way",
        "accepted",
    ],
)
def test_a_restored_database_goes_on_without_paying_twice(moment: str, tmp_path: Path) -> None:
    dump = tmp_path / "settle.dump"
    with Market.open(is_fresh=True) as market, rail() as url:
        market.approved()
        pay_with_backup(market, url, moment, dump)
        eventually(lambda: books(url)["by_status"] == {"completed": len(LINES)})
        with restored(market, dump) as copy:
            open_to = "select has_database_privilege('public', current_database(), 'connect') as it"
            assert copy.rows(OWNER, open_to) == [{"it": False}]  # dumps leave that out
            assert copy.pay(url).state == "accepted"
            assert books(url)["payouts"] == len(LINES)
            reconcile(copy.at_rail(url))
            keys = "idempotency_key, amount_minor, payout_id, state"
            assert copy.lines(keys) == [
                (key, amount, payout, "completed") for key, amount, payout, _ in market.lines(keys)
            ]
            assert copy.rows("dora", OPEN_BREAKS) == []
            assert copy.obstacles(WINDOW) == market.obstacles(WINDOW)


RESOLVE = "select finance.resolve_line(%s, %s, %s, 'halfin ticket 7')"
CLOSE_BREAK = "select finance.close_break(%s, 'paid by hand, says halfin')"
OPEN_BREAKS = "select kind, subject from finance.breaks where closed_at is null"
STORE_LEDGER = "select finance.store_ledger(%s, '{}')"


def tell(market: Market, payout: dict[str, object]) -> None:
    """What the rail shows when it is asked about the payout."""
    body = json.dumps({"data": payout}).encode()
    market.rows(ORCHESTRATOR, "select finance.record_lookup(%s)", body)


def forgotten(market: Market, **other: object) -> dict[str, object]:
    """A payout of a line that was sent after the backup."""
    installation = market.value(OWNER, "select installation_id from finance.installation")
    key = f"settle/{installation}/{WINDOW}/aaaa"
    return {"id": "p1", "status": "completed", "idempotency_key": key} | other


def key_of(market: Market) -> str:
    """Under which the seller's line in the window is frozen, each time."""
    installation = market.value(OWNER, "select installation_id from finance.installation")
    return f"settle/{installation}/{WINDOW}/{sha256(LINE.seller.encode()).hexdigest()[:32]}"


def test_a_payout_in_our_name_without_a_line_stops_every_other_window() -> None:
    """The restored window was not paid here, and its money is carried into the next one."""
    with Market.open() as market:
        market.close(LINES[0])
        tell(market, forgotten(market))
        tell(market, forgotten(market, status="processing"))
        assert market.kinds("breaks") == ["payout_without_line"]
        market.close(Line("s1", 23_456), weeks=1)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        [said] = market.obstacles(NEXT_WINDOW)
        assert said.startswith(f"payout p1 of {WINDOW} is at the rail in our name")
        assert said in market.refusal(ORCHESTRATOR, "select finance.freeze_batch(%s)", NEXT_WINDOW)
        market.rows(ORCHESTRATOR, COMPARE)
        number = market.value("dora", "select break_id from finance.breaks")
        assert market.value("ana", CLOSE_BREAK, number) is False
        assert market.obstacles(NEXT_WINDOW) == [said]
        assert market.value("ben", CLOSE_BREAK, number) is True
        assert market.obstacles(NEXT_WINDOW) == []
        tell(market, forgotten(market))
        assert market.obstacles(NEXT_WINDOW) == []


def test_a_first_payout_that_was_forgotten_stops_the_next_window() -> None:
    """The backup is from before anything was ever frozen: only the rail's ledger knows of it."""
    with Market.open() as market, rail() as url:
        market.close(LINE)
        line = {"currency": "USDT_TRC20", "amount": "123.45", "destination": LINE.wallet}
        sent = [line | {"idempotency_key": key_of(market)}]
        httpx.post(
            f"{url}/v1/payouts/batch",
            json={"idempotency_key": f"{WINDOW}, run 1", "payouts": sent},
            headers={"X-API-Key": KEY},
            trust_env=False,
        ).raise_for_status()
        eventually(lambda: books(url)["by_status"] == {"completed": 1})
        reconcile(market.at_rail(url))
        market.close(Line(LINE.seller, 2 * LINE.net_minor), weeks=1)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        [said] = market.obstacles(NEXT_WINDOW)
        assert f"of {WINDOW} is at the rail in our name and no line has it" in said


def test_a_database_from_before_a_close_reads_the_ledger_before_it_pays(tmp_path: Path) -> None:
    """Nobody reconciles: the next window's payout itself finds what was paid and is forgotten."""
    dump = tmp_path / "settle.dump"

    def without_ledger(request: Request, body: bytes) -> Response:
        if "/ledger" in request.url.path:
            return JSONResponse({"error": {"code": "forbidden", "message": "down"}}, 403)
        return forward(url, request, body)

    twice = Line(LINE.seller, 2 * LINE.net_minor)  # with what the first window had
    with Market.open(is_fresh=True) as market, rail() as url:
        run("pg_dump", "--format", "custom", "--file", str(dump), market.url(OWNER))
        market.approved(LINE)
        assert market.pay(url).state == "accepted"
        eventually(lambda: books(url)["by_status"] == {"completed": 1})
        with restored(market, dump) as copy:
            copy.build(twice, weeks=1)
            copy.at(CLOSE + WEEK)
            assert copy.store(NEXT_WINDOW)
            copy.approve("ana", window=NEXT_WINDOW)
            copy.at(DUE + WEEK)
            assert copy.obstacles(NEXT_WINDOW) == []
            with odd_rail(url, without_ledger, "GET") as odd, pytest.raises(SettleError) as untold:
                copy.pay(odd, NEXT_WINDOW)
            assert str(untold.value) == (
                "the rail does not tell the ledger of USDT_TRC20 (down): nothing was sent,"
                f" run settle pay {NEXT_WINDOW} again later"
            )
            assert copy.refusal(ORCHESTRATOR, FREEZE, NEXT_WINDOW) == (
                f"the ledger of USDT_TRC20 was not read since {NEXT_WINDOW} was closed, and a"
                " payout that is forgotten here may be in it: nothing was frozen,"
                " run settle reconcile"
            )
            with pytest.raises(SettleError) as stopped:
                copy.pay(url, NEXT_WINDOW)
            assert f"of {WINDOW} is at the rail in our name and no line has it" in str(
                stopped.value
            )
            assert books(url)["payouts"] == 1
            assert copy.lines("1") == []


def test_a_ledger_that_was_read_and_not_compared_allows_no_payout() -> None:
    """The program ended between the two: what it stored stops nobody yet."""
    with Market.open() as market:
        market.build(LINE)
        market.at(CLOSE)
        assert market.store()
        market.approve("ana")
        market.at(DUE)
        market.value(ORCHESTRATOR, STORE_LEDGER, "USDT_TRC20")
        unread = f"the ledger of USDT_TRC20 was not read since {WINDOW} was closed"
        assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW).startswith(unread)
        market.rows(ORCHESTRATOR, COMPARE)
        assert market.freeze() == 1


def test_a_clock_that_went_back_makes_no_read_of_a_later_close() -> None:
    """Of reads and closes the windows are compared, and no instants."""
    with Market.open() as market:
        market.close(LINE)
        market.rows(OWNER, "update halfin.ledger_reads set read_at = '2030-01-01'")
        market.at(CLOSE + WEEK)
        market.build(LINE, weeks=1)
        assert market.store(NEXT_WINDOW)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        unread = f"the ledger of USDT_TRC20 was not read since {NEXT_WINDOW} was closed"
        assert market.refusal(ORCHESTRATOR, FREEZE, NEXT_WINDOW).startswith(unread)


def test_the_window_of_a_forgotten_payout_can_be_paid_itself() -> None:
    """Its key meets the payout at the rail, and then a line has it."""
    with Market.open() as market, rail() as url:
        market.approved()
        tell(market, forgotten(market))
        assert market.obstacles(WINDOW) == []
        market.pay(url)
        [(payout_id,)] = market.lines("payout_id", "l.seller_id = 's1'")
        tell(market, forgotten(market, id="p2"))
        market.rows(OWNER, "alter table finance.breaks disable trigger immutable")
        market.rows(OWNER, "update finance.breaks set subject = %s where subject = 'p2'", payout_id)
        market.rows(OWNER, "alter table finance.breaks enable trigger immutable")
        market.rows(ORCHESTRATOR, COMPARE)
        assert [row["subject"] for row in market.rows("dora", OPEN_BREAKS)] == ["p1"]


def test_a_forgotten_payout_that_failed_stops_nothing() -> None:
    with Market.open() as market:
        tell(market, forgotten(market, status="failed"))
        tell(market, forgotten(market, idempotency_key=f"settle/other/{WINDOW}/aaaa", id="p2"))
        assert market.kinds("breaks") == ["unknown_payout", "unknown_payout"]


def is_asked_about_once_the_ledger_has_it(market: Market) -> None:
    """The ledger has paid p1, which stops payouts until the rail has told what it was."""
    entry = {"id": "1", "type": "payout", "amount": "-123.45", "payout_id": "p1"}
    page = json.dumps({"data": [entry | {"created_at": "2026-11-25T08:00:00Z"}]}).encode()
    market.value(ORCHESTRATOR, "select finance.store_ledger('USDT_TRC20', %s)", [page])
    market.rows(ORCHESTRATOR, COMPARE)
    [said] = market.obstacles()
    assert "payout p1, of which the rail has not told what it paid" in said
    [asked] = market.rows(ORCHESTRATOR, "select path, rail_id from finance.open_lookups()")
    assert asked == {"path": "/v1/payouts", "rail_id": "p1"}


def test_a_forgotten_payout_that_failed_and_is_paid_after_all_is_asked_about() -> None:
    """A webhook told of the failure, and was the last word that was heard of it."""
    with Market.open() as market:
        market.close(LINES[0])
        market.approve("ana")
        market.at(DUE)
        event = {"event": "payout.failed", "data": forgotten(market, status="failed")}
        market.rows(WEBHOOK, RECEIVE, json.dumps(event).encode())
        assert market.kinds("breaks") == ["failed_without_line"]
        assert market.obstacles() == []
        is_asked_about_once_the_ledger_has_it(market)
        tell(market, forgotten(market))
        assert "payout_without_line" in market.kinds("breaks")
        assert market.rows(ORCHESTRATOR, "select path from finance.open_lookups()") == []


def test_a_webhook_without_a_key_does_not_say_whose_payout_it_was() -> None:
    """It need not repeat the key: the rail, asked, names it, and the payout is one in our name."""
    with Market.open() as market:
        market.close(LINES[0])
        market.approve("ana")
        market.at(DUE)
        event = {"event": "payout.completed", "data": forgotten(market, idempotency_key=None)}
        market.rows(WEBHOOK, RECEIVE, json.dumps(event).encode())
        assert market.kinds("breaks") == ["payout_without_key"]
        assert market.obstacles() == []
        is_asked_about_once_the_ledger_has_it(market)
        tell(market, forgotten(market))
        assert "payout_without_line" in market.kinds("breaks")


def test_a_payout_known_of_a_call_that_was_taken_back_is_asked_about() -> None:
    """Its call is forgotten and will not be sent again: only the payout itself tells its end."""
    with Market.open() as market:
        market.approved(LINE)
        market.freeze()
        tell(market, payout(market))
        assert market.lines("state") == [("submitted",)]
        assert market.value("ana", "select finance.withdraw_batch(%s, 'held')", WINDOW) == 0
        [asked] = market.rows(ORCHESTRATOR, "select path, rail_id from finance.open_lookups()")
        assert asked == {"path": "/v1/payouts", "rail_id": payout(market)["id"]}
        tell(market, payout(market, status="completed"))
        assert market.lines("state") == [("completed",)]
        assert market.rows(ORCHESTRATOR, "select path from finance.open_lookups()") == []


def test_the_line_that_is_frozen_under_the_key_of_a_forgotten_payout_has_it() -> None:
    """People decide the line by what the rail says; nobody takes its money off once more."""
    with Market.open() as market:
        market.approved(LINE)
        tell(market, forgotten(market, idempotency_key=key_of(market)))
        number = market.value("dora", "select break_id from finance.breaks")
        assert market.value("cem", CLOSE_BREAK, number) is False
        market.freeze()
        assert concluded(market, 409, "")["batch_state"] == "unknown"
        for person in ("ana", "ben"):
            market.rows(person, RESOLVE, WINDOW, LINE.seller, "completed")
        assert market.refusal("ana", CLOSE_BREAK, number) == (
            f"break {number} stays open: the line of seller {LINE.seller} in {WINDOW} has the"
            " payout's key, run settle reconcile, which asks the rail about it"
        )
        [asked] = market.rows(ORCHESTRATOR, "select path, rail_id from finance.open_lookups()")
        assert asked == {"path": "/v1/payouts", "rail_id": "p1"}
        tell(market, payout(market, id="p1", status="completed"))
        market.rows(ORCHESTRATOR, COMPARE)
        assert market.lines("payout_id, state") == [("p1", "completed")]
        assert market.rows("dora", OPEN_BREAKS) == []


def test_a_forgotten_payout_that_the_rail_no_longer_knows_is_peoples_to_close() -> None:
    with Market.open() as market:
        market.approved(LINE)
        tell(market, forgotten(market, idempotency_key=key_of(market)))
        number = market.value("dora", "select break_id from finance.breaks")
        market.freeze()
        market.at(DUE + timedelta(hours=1))
        market.value(ORCHESTRATOR, STORE_LEDGER, "USDT_TRC20")
        assert market.value("ana", CLOSE_BREAK, number) is False
        assert market.value("ben", CLOSE_BREAK, number) is True
