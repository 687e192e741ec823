"""Which state follows which: what the table has happens, what it does not have is refused."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.functions.attempts import TAKEN, Try, begin, conclude, end, refusal, verdict
from tests.functions.dbt_stand_ins import CLEAR
from tests.functions.market import LINES, WINDOW, Line, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import LINE, take

DOCS = Path(__file__).parents[2] / "docs" / "state-machines.md"
TABLES = {"batch": "payout_batches", "call": "payout_calls", "line": "payout_lines"}
TRANSITIONS = "select object, from_state, to_state, event from finance.state_transitions"
HELD = Line("s9", 100, holds=("manual_review",))
DECLARE = "select finance.declare_rejected(%s, 'they do not have it')"
RESOLVE = "select finance.resolve_line(%s, %s, %s, 'halfin ticket 7')"
WITHDRAW = "select finance.withdraw_batch(%s, 'not now')"
RECORDER = """
create table public.seen (object text, from_state text, to_state text);
create function public.record() returns trigger language plpgsql security definer as $$
begin
    insert into public.seen
    values (tg_argv[0], case tg_op when 'UPDATE' then old.state end, new.state);
    return null;
end;
$$;
"""
RECORD = (
    "create trigger recorded after insert or update on finance.{} for each row"
    " execute function public.record('{}')"
)


@pytest.fixture
def recorded() -> Iterator[Market]:
    """A market that keeps each state in the table `seen`."""
    with Market.open(is_fresh=True) as market:
        market.rows(OWNER, RECORDER)
        for name, table in TABLES.items():
            market.rows(OWNER, RECORD.format(table, name))
        yield market


def frozen(market: Market, *lines: Any, max_lines: int | None = None) -> None:
    market.approved(*(lines or (LINE,)))
    market.rows(ORCHESTRATOR, "select finance.freeze_batch(%s, %s)", WINDOW, max_lines)


def of_two_runs_the_second_is_believed(market: Market) -> None:
    frozen(market)
    doubtful, taken = begin(market), begin(market)
    end(market, doubtful, Try(500))
    assert conclude(market) == "unknown"
    end(market, taken, Try(201, TAKEN))
    assert conclude(market) == "accepted"


def people_declare_a_batch_of_two_calls(market: Market) -> None:
    frozen(market, *LINES[:2], max_lines=1)
    assert verdict(market, Try(500)) == "unknown"
    for person in ("ana", "ben"):
        market.rows(person, DECLARE, WINDOW)
    assert market.state() == ["rejected"]


def asked_again(market: Market) -> None:
    frozen(market)
    assert verdict(market, Try(500)) == "unknown"
    assert verdict(market, Try(500)) == "unknown"


def refused(market: Market) -> None:
    frozen(market)
    assert verdict(market, Try(400, refusal())) == "rejected"


def withdrawn(market: Market) -> None:
    frozen(market)
    market.rows("ana", WITHDRAW, WINDOW)


def declared_lost(market: Market) -> None:
    frozen(market)
    assert verdict(market, Try(500)) == "unknown"
    for person in ("ben", "cem"):
        market.rows(person, DECLARE, WINDOW)


def paid_after_all(market: Market) -> None:
    declared_lost(market)
    take(market, "completed")


def paid_after_all_for_the_next_attempt(market: Market) -> None:
    declared_lost(market)
    market.approve("ana")
    market.freeze()
    take(market, "completed")
    market.rows("ana", WITHDRAW, WINDOW)


def returned_of_a_call_that_a_restore_forgot(market: Market) -> None:
    """The rail tells of its payout, here nothing of it was ever sent."""
    frozen(market)
    take(market, "completed", "failed")
    for person in ("ana", "ben"):
        market.rows(person, RESOLVE, WINDOW, LINE.seller, "returned")


def told(*steps: str) -> Callable[[Market], None]:
    def run(market: Market) -> None:
        frozen(market)
        take(market, *steps)

    return run


PATHS = (
    told("answer", "completed"),
    told("answer", "failed", "completed"),
    told("completed"),
    told("failed"),
    told("answer", "completed", "failed", "confirmed", "completed again"),
    refused,
    withdrawn,
    paid_after_all,
    paid_after_all_for_the_next_attempt,
    returned_of_a_call_that_a_restore_forgot,
    asked_again,
    of_two_runs_the_second_is_believed,
    people_declare_a_batch_of_two_calls,
)


def test_every_transition_of_the_table_happens_and_no_other(recorded: Market) -> None:
    for path in PATHS:
        recorded.rows(OWNER, CLEAR)
        path(recorded)
    seen = recorded.rows(
        OWNER,
        "select distinct object, from_state, to_state from public.seen"
        " where from_state is distinct from to_state",
    )
    listed = recorded.rows("dora", TRANSITIONS)
    assert {tuple(row.values()) for row in seen} == {tuple(row.values())[:3] for row in listed}


@pytest.mark.parametrize("name", TABLES)
def test_a_transition_that_is_not_in_the_table_is_refused(market: Market, name: str) -> None:
    frozen(market)
    listed = [row for row in market.rows("dora", TRANSITIONS) if row["object"] == name]
    allowed = {(row["from_state"], row["to_state"]) for row in listed}
    states = sorted({state for pair in allowed for state in pair if state})
    said = {pair: moved(market, TABLES[name], *pair) for pair in product(states, repeat=2)}
    assert said == {
        (old, new): ""
        if old == new or (old, new) in allowed
        else f"a {name} that is {old} cannot become {new}: see finance.state_transitions"
        for old, new in said
    }


def moved(market: Market, table: str, old: str, new: str) -> str:
    """How the database refuses the step from one state to the other; empty where it does not."""
    move = f"update finance.{table} set state = %s".encode()
    with market.connect(OWNER, autocommit=False) as owner:
        # What a state says of other columns is not asked here.
        for check in ("returned_is_back",) if table == "payout_lines" else ():
            owner.execute(f"alter table finance.{table} drop constraint {table}_{check}".encode())
        owner.execute("set local session_replication_role = replica")
        owner.execute(move, [old])
        owner.execute("set local session_replication_role = origin")
        try:
            owner.execute(move, [new])
        except psycopg.errors.RaiseException as error:
            return error.diag.message_primary or ""
        finally:
            owner.rollback()
    return ""


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("batch", {"attempt": 2}),
        ("call", {"sequence": 2, "idempotency_key": "another"}),
        ("line", {"line_id": "another", "seller_id": HELD.seller}),
    ],
)
def test_nothing_begins_in_another_state_than_its_first(
    market: Market, name: str, other: dict[str, Any]
) -> None:
    frozen(market, LINE, HELD)
    copied = (
        f"insert into finance.{TABLES[name]} overriding user value"
        f" select r.* from finance.{TABLES[name]} as t, jsonb_populate_record(t, %s::jsonb) as r"
    )
    said = market.refusal(OWNER, copied, json.dumps({"state": "rejected", **other}))
    assert said == f"a {name} cannot begin as rejected: see finance.state_transitions"


def test_a_batch_with_a_payout_that_completed_is_not_rejected(market: Market) -> None:
    """Of a refused call, say: its line would be paid again."""
    frozen(market, *LINES[:2], max_lines=1)
    assert verdict(market, Try(400, refusal())) == "rejected"
    [line] = market.rows("dora", "select * from finance.payout_lines where call_sequence = 1")
    shown = {
        "id": "p1",
        "status": "completed",
        "amount": f"{line['amount_minor'] / 100:.2f}",
        "destination": line["wallet_address"],
        "currency": line["rail_currency"],
        "environment": "test",
        "idempotency_key": line["idempotency_key"],
    }
    look_up = "select finance.record_lookup(%s)"
    assert market.value(ORCHESTRATOR, look_up, json.dumps({"data": shown}).encode()) == 1
    attempt = market.value(ORCHESTRATOR, "select finance.begin_attempt(1, 2)")
    market.rows(
        ORCHESTRATOR,
        "select finance.append_response_chunk(1, 2, %s, %s)",
        attempt,
        refusal().encode(),
    )
    market.rows(ORCHESTRATOR, "select finance.end_attempt(1, 2, %s, 400, true, 'req_1')", attempt)
    market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 2)")
    assert market.state() == ["accepted"]
    assert sorted(market.lines("state, returned_at is null")) == [
        ("completed", False),
        ("failed", False),
    ]


def test_the_diagrams_show_the_table(market: Market) -> None:
    text = DOCS.read_text()
    shown = set()
    for name in TABLES:
        section = text.split(f"## {name.capitalize()}\n")[1].split("\n## ")[0]
        [diagram] = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", section, re.DOTALL)
        for old, new, event in re.findall(r"^    (\S+) --> (\w+): (.+)$", diagram, re.MULTILINE):
            shown.add((name, None if old == "[*]" else old, new, event))
        assert len(diagram.splitlines()) == sum(row[0] == name for row in shown)
    assert shown == {tuple(row.values()) for row in market.rows("dora", TRANSITIONS)}
