"""What the doctor says of a cluster's nodes, by what they answer; tests/cluster asks real ones."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.loading.doctor.examine import examine

OURS = ["settle_dbt", "settle_owner", "settle_reader"]
HEALTHY = {
    "time_zone": "UTC", "postgres": "18", "citus": "14.0-1", "connections": 200, "prepared": 200,
    "in_doubt": 0,
}  # fmt: skip
# Answers at the instant of the question, but for a clock that is off by some seconds.
ASK = """
create or replace function finance.ask_nodes()
returns table (node text, facts jsonb, refusal text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select n.node, n.facts || jsonb_build_object(
        'clock_at',
        statement_timestamp() + coalesce((n.facts ->> 'off')::integer, 0) * interval '1 s'
    ), n.refusal
    from jsonb_to_recordset({nodes}) as n (node text, facts jsonb, refusal text)
$$
"""
Lines = Callable[..., list[str]]


@pytest.fixture
def lines(settings: Settings) -> Iterator[Lines]:
    """What is said where one worker differs from a healthy one, or the coordinator does."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as owner:

        def said(
            worker: dict[str, Any] | None, refusal: str | None = None, **coordinator: Any
        ) -> list[str]:
            nodes: list[dict[str, Any]] = [
                {"node": "coordinator", "facts": {**HEALTHY, "roles": [], **coordinator}},
                {"node": "w1:5432", "facts": {**HEALTHY, "roles": OURS}},
            ]
            if worker is not None or refusal:
                facts = None if refusal else {**HEALTHY, "roles": OURS, **(worker or {})}
                nodes.append({"node": "w2:5432", "facts": facts, "refusal": refusal})
            with owner.transaction(force_rollback=True):
                owner.execute("set local role settle_owner")
                owner.execute(sql.SQL(ASK).format(nodes=sql.Literal(json.dumps(nodes))))
                owner.execute("set local role settle_dbt")
                found = examine(owner).findings
                return [f.line for f in found if f.source.startswith("node ")]

        yield said


def test_a_server_of_its_own_and_a_healthy_cluster_have_nothing_to_say(
    settings: Settings, lines: Lines
) -> None:
    with psycopg.connect(database_url(settings, Component.DBT)) as dbt:
        dbt.execute("set role settle_dbt")
        assert dbt.execute("select * from finance.node_faults()").fetchall() == []
    assert lines({}) == []


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        ({"prepared": 0}, "error: node w2:5432: max_prepared_transactions is 0"),
        ({"prepared": 199}, "warning: node w2:5432: max_prepared_transactions is 199"),
        ({"postgres": "17"}, "error: node w2:5432: it runs Citus 14.0-1 on PostgreSQL 17"),
        ({"citus": "13.2-1"}, "error: node w2:5432: it runs Citus 13.2-1 on PostgreSQL 18"),
        ({"roles": OURS[:2]}, "error: node w2:5432: settle_reader may not log in there"),
        ({"off": 3}, "warning: node w2:5432: its clock differs by "),
        ({"off": -3}, "warning: node w2:5432: its clock differs by "),
        ({"time_zone": "CET"}, "warning: node w2:5432: its time zone is CET, the coordinator's"),
        ({"in_doubt": 2}, "warning: node w2:5432: 2 transactions have been prepared there"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_worker_answers_is_judged(lines: Lines, worker: dict[str, Any], said: str) -> None:
    [line] = lines(worker)
    assert line.startswith(said)


def test_a_worker_that_does_not_answer_is_an_error(lines: Lines) -> None:
    [line] = lines(None, refusal="no pg_hba.conf entry")
    assert line.startswith(
        "error: node w2:5432: the coordinator cannot ask it (no pg_hba.conf entry): run settle db"
    )


def test_an_open_login_on_the_coordinator_is_an_error(lines: Lines) -> None:
    [line] = lines({}, roles=["settle_owner"])
    assert line == (
        "error: node coordinator: settle_owner may log in: set citus.enable_ddl_propagation = off;"
        " alter role settle_owner nologin"
    )
