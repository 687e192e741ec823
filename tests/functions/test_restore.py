"""A backup taken in the middle of a payout, restored after the rail went on: nobody is paid twice.

The backup is pg_dump's, the restore pg_restore's, as an operator runs them.
"""

import itertools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.database.migrate import prepare_database
from orchestrator.embedded_postgres.system_user import programs_for, server_user
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import LINES, WINDOW, Market, books, eventually, forward, odd_rail, rail
from tests.functions.payment_server import OWNER

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
            assert copy.kinds("breaks") == []
            assert copy.obstacles(WINDOW) == market.obstacles(WINDOW)
