"""A whole paid week in a database full of traps: every verb, page, sensor and report.

Each relation that people and components read is a view of dbt's whose rows come out of a function.
It tries, as whoever reads, to decide, to freeze, to record and to write; beside it stand overloads
that match our statements better than ours.
"""

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import psycopg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect, database_url
from orchestrator.defs.approval_sensor import approval_sensor
from orchestrator.defs.jobs import close_job, pay_job
from orchestrator.defs.metadata import (
    approvals_report,
    close_report,
    payout_report,
    reconcile_report,
)
from orchestrator.defs.sensors import missed_close_sensor, webhook_sensor
from orchestrator.services.processes import service
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from tests.cli.people import Desk, environment_of, open_desk
from tests.functions.market import rail
from tests.halfin.sandbox import KEY
from tests.security.test_hostile_schemas import HOSTILE
from tests.support.closed_week import ANALYST, FINANCE, SECOND, WINDOW
from tests.web.desk_site import Person

FORGED = "forged"
TRIES = (
    f"select finance.pause_payouts('{FORGED}')",
    f"select finance.hold_seller('seller-000001', '{FORGED}')",
    f"select finance.block_wallet('w', '{FORGED}')",
    f"select finance.propose_policy('dual_approval_above', '', 1, '{FORGED}')",
    f"select finance.approve('{WINDOW}', (select digest from finance.payable('{WINDOW}')))",
    f"select finance.freeze_batch('{WINDOW}')",
    f"select finance.raise_alert('{FORGED}', 'x', 'x')",
    "select finance.record_lookup('{}')",
    "alter function finance.approve(text, text) security invoker",
    "insert into finance.wallet_checks (wallet_address, is_valid) values ('forged', true)",
    "set role settle_owner",
)
TRAP = """
set role settle_dbt;
create function settlement.trap() returns boolean language plpgsql as $trap$
declare
    v_try text;
begin
    foreach v_try in array %s::text[] loop
        begin
            execute v_try;
        exception when others then null;
        end;
    end loop;
    return true;
end $trap$;
grant execute on function settlement.trap() to public;
"""
RELATIONS = """
select format('%I.%I', n.nspname, c.relname) as name
from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = 'settlement' and c.relkind in ('r', 'v', 'm') and c.relname <> 'fallen'
order by 1
"""
GRANTED = "grant select on {0} to settle_analyst, settle_orchestrator"
LEFT = {
    "approvals": "select count(*) from finance.approvals where approved_by not in ('ana', 'ben')",
    "pauses": f"select count(*) from finance.pauses where note = '{FORGED}'",
    "holds": f"select count(*) from finance.seller_holds where note = '{FORGED}'",
    "blocks": f"select count(*) from finance.wallet_blocks where note = '{FORGED}'",
    "policies": f"select count(*) from finance.policies where note = '{FORGED}'",
    "alerts": f"select count(*) from finance.alerts where kind = '{FORGED}'",
    "checks": "select count(*) from finance.wallet_checks where wallet_address = 'forged'",
    "overloads": "select count(*) from settlement.fallen",
    "functions": "select count(*) from finance.changed_definitions()",
}


@pytest.fixture
def desk() -> Desk:
    """The closed week with traps in everything that dbt built for readers."""
    desk = open_desk()
    with psycopg.connect(database_url(desk.settings, Component.DBT), autocommit=True) as dbt:
        dbt.execute(HOSTILE.encode())
        tries = "array[" + ", ".join(f"$t${one}$t$" for one in TRIES) + "]"
        dbt.execute((TRAP % tries).encode())
        for (name,) in dbt.execute(RELATIONS).fetchall():
            schema, _, relation = name.partition(".")
            behind = f"{schema}.{relation}_rows"
            for statement in (
                f"alter table {name} rename to {relation}_rows",
                f"create view {name} as select * from {behind} where settlement.trap() offset 0",
                GRANTED.format(name),
            ):
                dbt.execute(statement.encode())
    return desk


def left(desk: Desk) -> dict[str, int]:
    with connect(desk.settings, Component.OWNER) as owner:
        found = {what: owner.execute(query.encode()).fetchone() for what, query in LEFT.items()}
    return {what: row[0] for what, row in found.items() if row}


def test_a_paid_week_full_of_traps(desk: Desk) -> None:
    nothing = dict.fromkeys(LEFT, 0)
    seller, other = _ready(desk)
    for verb in ("status", "alerts", "breaks"):
        desk.settle.done(verb)
    for verb in ("review", "checks", "status"):
        desk.settle.done(verb, WINDOW)
    desk.settle.done("statement", seller)
    desk.settle.done("sql", "select count(*) from settlement.seller_settlement")
    desk.settle.done("export", WINDOW, "--to", str(desk.settings.home))
    desk.done(FINANCE, "hold", seller, "--note", "n")
    desk.done(FINANCE, "release", WINDOW, seller, "--note", "n")
    desk.done(FINANCE, "adjust", "enter", other, "1.00", "--note", "n")
    assert left(desk) == nothing
    _sensors(desk)
    _pages(desk)
    assert left(desk) == nothing
    _pay(desk, seller)
    assert left(desk) == nothing
    with connect(desk.settings, Component.OWNER) as owner:
        approvals = owner.execute("select approved_by from finance.approvals order by 1").fetchall()
        batches = owner.execute("select state from finance.payout_batches").fetchall()
    assert (approvals, batches) == ([(FINANCE,), (SECOND,)], [("accepted",)])


def _ready(desk: Desk) -> list[str]:
    """Two sellers, from what the owner keeps: this reading must not spring a trap itself."""
    query = f"select seller_id from finance.current_holds('{WINDOW}') where hold_reasons = '{{}}'"
    with connect(desk.settings, Component.OWNER) as owner:
        return [seller for (seller,) in owner.execute(f"{query} order by 1 limit 2".encode())]


def _pay(desk: Desk, seller: str) -> None:
    desk.done(FINANCE, "approve", WINDOW, "--digest", desk.digest())
    desk.done(SECOND, "approve", WINDOW, "--digest", desk.digest())
    with rail() as url:
        settings = replace(desk.settings, halfin_base_url=url, halfin_api_key=KEY)
        assert pay_window(settings, WINDOW).state == "accepted"
        reconcile(settings)
    desk.settle.done("receipt", WINDOW, seller)
    for report in (close_report, payout_report, approvals_report):
        assert report(desk.settings, WINDOW)
    reconcile_report(desk.settings)
    _sensors(desk)


def _sensors(desk: Desk) -> None:
    sensors = (
        approval_sensor(desk.settings, pay_job()),
        missed_close_sensor(desk.settings, close_job()),
        webhook_sensor(desk.settings),
    )
    with dg.DagsterInstance.ephemeral() as history:
        for sensor in sensors:
            with dg.build_sensor_context(history) as context:
                sensor(context)


def _pages(desk: Desk) -> None:
    """Every page that a person reaches by links from the console's first one."""
    variables = environment_of(desk.settings) | {"SETTLE_HOME": str(desk.settings.home)}
    with (
        TemporaryDirectory() as folder,
        service(["serve", "--port", "0"], variables, Path(folder) / "log") as url,
    ):
        for name in (FINANCE, ANALYST):
            with Person(url.removesuffix("/webhooks/halfin")) as person:
                person.log_in(name, desk.week.server.password(name))
                waiting, seen = ["/desk", "/desk/books"], set[str]()
                while waiting and len(seen) < 40:
                    page = waiting.pop(0)
                    seen.add(page)
                    answer = person.get(page)
                    # Only a window that is open, or paid by nobody, has no lines to export.
                    is_empty = (
                        page.endswith(".csv") and "/books/" not in page and WINDOW not in page
                    )
                    log = (Path(folder) / "log").read_text()[-4000:]
                    assert answer.status_code == (404 if is_empty else 200), (page, log)
                    links = re.findall(r'href="(/desk[^"#]*)"', answer.text)
                    waiting += [x for x in dict.fromkeys(links) if x not in {*seen, *waiting}]
                assert len(seen) > 8
