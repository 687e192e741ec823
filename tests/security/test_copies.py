"""A copy of production pays nobody, whoever starts it and however."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component, Environment, Settings
from orchestrator.database.connection import connect
from orchestrator.database.copies import declare_copy
from orchestrator.database.migrate import prepare_database
from orchestrator.errors import SettleError
from tests.functions.market import DUE, LINES, NEXT_WINDOW, WEEK, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.support.shell import Shell, ShellInProcess

ID = "select installation_id from finance.installation"


def make_production(market: Market) -> Settings:
    """Its settings, as whoever restored it has them."""
    production = replace(
        market.settings, environment=Environment.PRODUCTION, is_environment_given=True
    )
    prepare_database(production, is_asked=True)
    return production


def name_of(market: Market) -> str:
    with connect(market.settings, Component.OWNER) as owner:
        return f"{owner.info.host}/{owner.info.dbname}"


def test_a_copy_of_production_pays_nobody() -> None:
    """A copy was production under the same id: with its key, it would have paid a second time."""
    with Market.open(is_fresh=True) as market:
        market.approved(*LINES)
        batch = market.freeze()
        market.close(LINES[0], weeks=1)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        original = market.value("dora", ID)
        make_production(market)
        market.disconnect()
        assert declare_copy(market.settings, name_of(market)) == original
        market.at(DUE + WEEK)
        line = f"this database is a copy of installation {original} and pays nobody"
        assert market.value("dora", ID) != original
        assert line in market.obstacles(NEXT_WINDOW)
        freeze = "select finance.freeze_batch(%s)"
        assert line in market.refusal(ORCHESTRATOR, freeze, NEXT_WINDOW)
        begin = "select finance.begin_attempt(%s, 1)"
        assert market.refusal(ORCHESTRATOR, begin, batch) == line
        assert market.refusal("ana", "select finance.resume_payouts('n')") == (
            "payouts are not paused"
        )


def test_a_copy_stays_one() -> None:
    with Market.open(is_fresh=True) as market:
        production = make_production(market)
        market.disconnect()
        original = declare_copy(market.settings, name_of(market))
        with pytest.raises(SettleError, match="and pays nobody: it never becomes production"):
            prepare_database(production, is_asked=True)
        with pytest.raises(SettleError, match="is not production"):
            declare_copy(market.settings, name_of(market))
        for change in (
            "copied_from = null, copied_at = null",
            "installation_id = copied_from",
            "copied_from = 'another'",
        ):
            said = market.refusal(OWNER, f"update finance.installation set {change}")
            assert said == f"this database is a copy of installation {original} and stays one"
        said = market.refusal(OWNER, "update finance.installation set environment = 'production'")
        assert "installation_copy" in said
        assert "append-only" in market.refusal(OWNER, "delete from finance.installation")


def test_the_original_is_not_taken_for_a_copy() -> None:
    with Market.open(is_fresh=True) as market:
        make_production(market)
        market.disconnect()
        name = name_of(market)
        for named in ("", "settle", name.partition("/")[2], f"x{name}"):
            with pytest.raises(SettleError) as refused:
                declare_copy(market.settings, named)
            assert str(refused.value) == (
                f"{name} is production, and would never pay again: if it is the copy and not the"
                f" original, run settle db declare-copy {name}"
            )
        with (
            psycopg.connect(market.url("webhook")),
            pytest.raises(SettleError, match=r"is in use \(webhook is connected\)"),
        ):
            declare_copy(market.settings, name)
        said = market.refusal(OWNER, "update finance.installation set environment = 'demo'")
        assert said == "this database is production and stays so, under its own id"
        said = market.refusal(OWNER, "update finance.installation set installation_id = 'x'")
        assert said == "this database is production and stays so, under its own id"


def test_only_the_owner_declares_one(tmp_path: Path) -> None:
    with Market.open() as market:
        for login in ("ana", ORCHESTRATOR, "dbt"):
            said = market.refusal(login, "select finance.declare_copy()")
            assert "permission denied" in said
        urls = {c: u for c, u in market.settings.urls.items() if c is not Component.OWNER}
        with pytest.raises(SettleError, match="only the owner declares a copy"):
            declare_copy(replace(market.settings, urls=urls), "x")
        with pytest.raises(SettleError, match="is not production"):
            declare_copy(market.settings, name_of(market))


def test_the_verb_says_which_database_it_means(tmp_path: Path) -> None:
    with Market.open(is_fresh=True) as market:
        make_production(market)
        market.disconnect()
        name = name_of(market)
        settle = Shell(tmp_path, SETTLE_DATABASE_URL=market.url(OWNER))
        here = ShellInProcess(tmp_path, SETTLE_DATABASE_URL=market.url(OWNER))
        said = here.refused("db", "declare-copy")
        assert said.endswith(f"run settle db declare-copy {name}")
        assert settle.done("db", "declare-copy", name).startswith(f"{name} is a copy of")
        # What the copy's operators run next needs no word of production.
        here.done("db", "start")
