"""What people decide beside the approval: adjustments, limits, blocks, pauses, failed checks."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import stamina
from starlette.responses import Response

from orchestrator.decisions.decisions import FIELDS
from orchestrator.errors import SettleError
from tests.functions.market import (
    CLOSE,
    DUE,
    LINES,
    WEEK,
    WINDOW,
    Line,
    Market,
    books,
    odd_rail,
    paid_once,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due

ENTER = "select finance.enter_adjustment(%s, %s, %s)"
APPROVE = "select finance.approve_adjustment(%s)"
ENTER_FILE = "select finance.enter_adjustments(%s, %s)"
APPROVE_FILE = "select * from finance.approve_adjustments(%s)"
PAUSE, RESUME = "select finance.pause_payouts(%s)", "select finance.resume_payouts(%s)"
PROPOSE = "select finance.propose_policy(%s, %s, %s, 'agreed in the meeting')"
CONFIRM = "select finance.confirm_policy(%s)"
ACCEPT = "select finance.accept_check('2026-W47', %s, 'known to us')"


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


# ---- Adjustments --------------------------------------------------------------------------------


def test_an_adjustment_takes_two_people(market: Market) -> None:
    first = market.value("ana", ENTER, "s1", -500, "a fee without an order")
    assert market.refusal("ana", APPROVE, first) == (
        f"ana entered adjustment {first}: somebody else must approve it"
    )
    market.value("ben", APPROVE, first)
    [row] = market.rows("dora", "select * from finance.adjustments")
    assert (row["entered_by"], row["approved_by"], row["amount_minor"]) == ("ana", "ben", -500)
    assert (row["entered_at"], row["approved_at"]) == (DUE, DUE)
    assert market.refusal("cem", APPROVE, first) == f"adjustment {first} was approved by ben before"
    assert market.refusal("cem", "select finance.withdraw_adjustment(%s)", first) == (
        f"adjustment {first} is not open: see settle adjust list"
    )


def test_who_is_gone_from_the_marketplace_is_decided_about(market: Market) -> None:
    """Their balance is still owed: a write-off, a correction, a hold."""
    market.rows(OWNER, "delete from marketplace.sellers where seller_id = 's1'")
    entered = market.value("ana", ENTER, "s1", -500, "written off")
    assert market.value("ben", APPROVE, entered)
    file = json.dumps([{"line": 2, "seller_id": "s1", "amount": "-1.00", "reason": "the rest"}])
    assert market.value("ana", ENTER_FILE, file, "left us")
    assert market.value("ana", "select finance.hold_seller('s1', 'left us')")


def test_a_withdrawn_adjustment_is_gone(market: Market) -> None:
    entered = market.value("ana", ENTER, "s1", 500, "goodwill")
    market.rows("ana", "select finance.withdraw_adjustment(%s)", entered)
    assert market.refusal("ben", APPROVE, entered) == (
        f"adjustment {entered} was withdrawn by ana: enter it again"
    )


def test_what_an_adjustment_cannot_be(market: Market) -> None:
    assert market.refusal("ana", ENTER, "nobody", 1, "x") == (
        "seller nobody is not known: nothing was entered"
    )
    assert "adjustments_amount_minor_check" in market.refusal("ana", ENTER, "s1", 0, "x")
    assert "adjustments_reason_check" in market.refusal("ana", ENTER, "s1", 1, "")
    large = market.value("ana", ENTER, "s1", 25_000_001, "a typing error")
    assert market.refusal("ben", APPROVE, large) == (
        f"adjustment {large} of 250000.01 is above the limit of one line (250000.00):"
        " raise the limit first"
    )
    assert market.refusal("ben", APPROVE, 99) == "there is no adjustment 99: see settle adjust list"


def test_no_adjustment_falls_into_a_window_that_is_stored(market: Market) -> None:
    entered = market.value("ana", ENTER, "s1", 500, "goodwill")
    market.at(CLOSE - timedelta(minutes=16))
    assert market.refusal("ben", APPROVE, entered) == (
        f"a window was closed while adjustment {entered} waited: approve it again"
    )


def test_a_build_that_missed_an_adjustment_is_not_stored(market: Market) -> None:
    market.value("ben", APPROVE, market.value("ana", ENTER, "s1", 500, "goodwill"))
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    assert market.refused_store("2026-W48") == (
        "an adjustment of seller s1 was approved while 2026-W48 was computed: nothing was stored,"
        " build again"
    )


def file_of(*rows: tuple[str, str, str, str]) -> str:
    """Rows of seller, amount, type and reason, as they stand in a file below its header."""
    columns = ("seller_id", "amount", "type", "reason")
    found = [
        {"line": n} | dict(zip(columns, row, strict=True)) for n, row in enumerate(rows, start=2)
    ]
    return json.dumps(found)


def test_an_adjustment_has_a_type(market: Market) -> None:
    market.value("ana", ENTER, "s1", 500, "as before")
    typed = "select finance.enter_adjustment('s1', 500, 'x', %s)"
    types = FIELDS["adjustment-type"].choices
    for kind in types:
        market.value("ana", typed, kind)
    market.value("ana", ENTER_FILE, file_of(*(("s1", "5", kind, "y") for kind in types)), "")
    found = market.rows(
        "dora", "select adjustment_type from finance.adjustments order by adjustment_id"
    )
    assert [row["adjustment_type"] for row in found] == ["other", *types, *types]
    assert "adjustments_adjustment_type_check" in market.refusal("ana", typed, "gift")


def test_a_file_of_adjustments_is_one_decision(market: Market) -> None:
    rows = file_of(
        ("s1", "12.50", "goodwill", "late parcel"),
        ("s1", "12.50", "goodwill", "lost parcel"),
        ("s2", "-3", "", ""),
    )
    number = market.value("ana", ENTER_FILE, rows, "november")
    columns = "seller_id, amount_minor, adjustment_type, reason, approved_by, file_id"
    query = f"select {columns} from finance.adjustments order by adjustment_id"
    assert [tuple(row.values()) for row in market.rows("dora", query)] == [
        ("s1", 1250, "goodwill", "late parcel", None, number),
        ("s1", 1250, "goodwill", "lost parcel", None, number),
        ("s2", -300, "other", "november", None, number),
    ]
    assert market.refusal("ana", APPROVE_FILE, number) == (
        f"ana entered adjustment 1: somebody else must approve it (file {number}: nothing of it"
        " was approved)"
    )
    market.rows("ben", APPROVE, 2)
    assert market.rows("ben", APPROVE_FILE, number) == [{"row_count": 2, "amount_minor": 950}]
    decided = market.rows(
        "dora", "select distinct approved_by, approved_at from finance.adjustments"
    )
    assert decided == [{"approved_by": "ben", "approved_at": DUE}]
    nothing = f"file {number} has no adjustment that waits: see settle adjust list"
    for query in (APPROVE_FILE, "select finance.withdraw_adjustments(%s)"):
        assert market.refusal("cem", query, number) == nothing


def test_one_obstacle_stops_the_approval_of_a_file(market: Market) -> None:
    rows = file_of(("s1", "1", "other", "x"), ("s2", "250000.01", "other", "a typing error"))
    number = market.value("ana", ENTER_FILE, rows, "")
    assert market.refusal("ben", APPROVE_FILE, number) == (
        "adjustment 2 of 250000.01 is above the limit of one line (250000.00): raise the limit"
        f" first (file {number}: nothing of it was approved)"
    )
    market.rows("ben", "select finance.withdraw_adjustment(2)")
    assert market.rows("ben", APPROVE_FILE, number) == [{"row_count": 1, "amount_minor": 100}]
    other = market.value("ana", ENTER_FILE, file_of(("s1", "1", "other", "y")), "")
    assert market.value("cem", "select finance.withdraw_adjustments(%s)", other) == 1


def test_a_file_that_was_entered_before_is_not_entered_again(market: Market) -> None:
    """Two uploads of one file look like two files, and both were approved."""
    rows = file_of(("s1", "12.50", "goodwill", "late parcel"), ("s2", "3", "", ""))
    assert market.value("ana", ENTER_FILE, rows, "november") == 1
    same = "is the same as adjustment {} of file 1, which ana entered on 2026-11-24: withdraw that"
    for _ in ("while it waits", "once it is approved"):
        with pytest.raises(psycopg.errors.RaiseException) as error:
            market.value("cem", ENTER_FILE, rows, "november")
        assert error.value.diag.message_detail == "\n".join(
            f"line {line}: {same.format(line - 1)} one, or give this its own reason"
            for line in (2, 3)
        )
        if market.value("dora", "select count(approved_at) from finance.adjustments") == 0:
            market.rows("ben", APPROVE_FILE, 1)
    assert market.value("ana", ENTER_FILE, file_of(("s2", "3", "", "")), "december") == 2
    market.rows("ana", "select finance.withdraw_adjustments(2)")
    assert market.value("ana", ENTER_FILE, file_of(("s2", "3", "", "")), "december") == 3


def test_a_form_that_was_sent_twice_enters_one_adjustment(market: Market) -> None:
    connections = [market.connect("ana") for _ in range(4)]

    def enter(connection: psycopg.Connection[Any]) -> str:
        try:
            connection.execute(ENTER.encode(), ["s1", 500, "goodwill"])
        except psycopg.errors.RaiseException as error:
            return str(error.diag.message_primary)
        return ""

    with ThreadPoolExecutor(len(connections)) as pool:
        said = sorted(pool.map(enter, connections))
    for connection in connections:
        connection.close()
    assert said == ["", *[
        "the adjustment of seller s1 is the same as adjustment 1, which ana entered on 2026-11-24:"
        " withdraw that one, or give this its own reason"
    ] * 3]  # fmt: skip
    market.rows("ben", APPROVE, 1)
    assert market.value("ana", ENTER, "s1", 500, "goodwill") == 2  # the next week's


def test_a_file_is_approved_as_it_was_entered(market: Market) -> None:
    """Who entered 1,000 and -1,000 took the latter out, once somebody had looked at the file."""
    rows = file_of(("s1", "1000", "other", "x"), ("s2", "-1000", "other", "x"))
    number = market.value("ana", ENTER_FILE, rows, "")
    market.rows("ana", "select finance.withdraw_adjustment(2)")
    assert market.refusal("ben", APPROVE_FILE, number) == (
        f"ana withdrew a part of file {number}, which is not what was entered any more: nothing of"
        " it was approved; approve its rows one by one, or withdraw it and enter it again"
    )
    market.rows("ben", APPROVE, 1)


def test_a_file_of_adjustments_falls_into_no_window_that_is_stored(market: Market) -> None:
    number = market.value("ana", ENTER_FILE, file_of(("s1", "1", "other", "x")), "")
    market.at(CLOSE - timedelta(minutes=16))
    assert market.refusal("ben", APPROVE_FILE, number).startswith(
        "a window was closed while adjustment 1 waited: approve it again"
    )


def test_each_bad_row_of_a_file_is_named_and_nothing_is_entered(market: Market) -> None:
    rows = file_of(
        ("s1", "1.00", "goodwill", "x"),
        ("s1", "1.00", "goodwill", "x"),
        ("nobody", "1.00", "goodwill", "x"),
        ("s1", "1.001", "gift", "x"),
        ("s2", "0", "other", "x"),
        ("s2", "2.00", "other", " "),
    )
    assert market.faults("ana", ENTER_FILE, rows, "") == [
        "line 3: is the same as line 2; keep one, or give each its own reason",
        "line 4: seller_id: no such seller is known; load the seller first, or fix the id",
        "line 5: amount: has more than two decimals; round it or fix the export",
        "line 5: type: is not one of goodwill, correction, write_off, other",
        "line 6: amount: is 0, which changes nothing; leave the row out",
        "line 7: reason: is empty; fill it in, or give the whole file a note",
    ]
    many = file_of(*[("nobody", "1.00", "other", "x")] * 60)
    said = market.refusal("ana", ENTER_FILE, many, "")
    assert said.startswith("119 rows of the file cannot be taken (the first 50 are listed):")
    assert market.rows("dora", "select from finance.adjustments") == []


# ---- Limits -------------------------------------------------------------------------------------


def test_a_limit_is_changed_by_two_people_and_keeps_its_history(market: Market) -> None:
    limit = "select finance.policy('dual_approval_above')"
    assert (market.value("dora", limit), market.obstacles()) == (100_000_000, [])
    proposed = market.value("ana", PROPOSE, "dual_approval_above", "", 1000)
    assert market.obstacles() == []
    assert market.refusal("ana", CONFIRM, proposed) == (
        f"ana proposed {proposed}: somebody else must confirm it"
    )
    market.rows("ben", CONFIRM, proposed)
    assert market.value("dora", limit) == 1000
    assert market.obstacles() == [
        "1123.52 is above the limit for one person: a second approval is needed beside ana"
    ]
    assert market.refusal("cem", CONFIRM, proposed).endswith("was confirmed by ben before")
    back = market.value("cem", PROPOSE, "dual_approval_above", "", 100_000_000)
    market.rows("cem", "select finance.withdraw_policy(%s)", back)
    assert market.refusal("ben", CONFIRM, back) == (
        f"proposal {back} was withdrawn by cem: propose it again"
    )
    history = market.rows(
        "dora", "select * from finance.policies where name = 'dual_approval_above'"
    )
    assert len(history) >= 3


def test_a_limit_that_does_not_exist(market: Market) -> None:
    for name, rail_name in (("fee", ""), ("minimum_line", "BTC"), ("maximum_line", "SPL")):
        said = market.refusal("ana", PROPOSE, name, rail_name, 1)
        assert said.startswith(f"there is no limit {name} for rail ")
    assert "policies_amount_minor_check" in market.refusal("ana", PROPOSE, "maximum_line", "", -1)


# ---- Wallets ------------------------------------------------------------------------------------


def test_nothing_is_paid_to_a_blocked_wallet(market: Market) -> None:
    wallet = LINES[0].wallet
    assert market.value("ana", "select finance.block_wallet(%s, 'sanctions')", wallet) is True
    assert market.value("ben", "select finance.block_wallet(%s, 'again')", wallet) is False
    batch = market.freeze()
    assert [s for (s,) in market.lines("seller_id")] == ["s10", "s2"]
    left_out = market.rows("dora", "select * from finance.batch_left_out")
    assert [tuple(row.values()) for row in left_out] == [(batch, "s1", 12_345, "wallet_blocked")]
    lift = "select finance.unblock_wallet(%s, 'a mistake')"
    assert market.refusal("ana", lift, wallet) == (
        f"ana blocked wallet {wallet}: somebody else must lift it"
    )
    market.rows("ben", lift, wallet)
    assert market.refusal("ben", lift, wallet) == (
        f"wallet {wallet} is not blocked: settle blocks, or Blocks in the console, lists those"
        " that are"
    )


def test_a_release_covers_the_wallet_that_was_seen(market: Market) -> None:
    change = "update marketplace.sellers set wallet_address = %s where seller_id = 's1'"
    market.rows(OWNER, change, "second")
    release = "select finance.release_hold('2026-W47', 's1', 'called them')"
    assert market.value("ben", release) == "wallet_changed"
    market.approve("ana")  # of before, and of another wallet
    assert market.obstacles() == []
    market.rows(OWNER, change, "third")
    market.freeze()
    assert market.rows("dora", "select hold_reason from finance.batch_left_out") == [
        {"hold_reason": "wallet_changed"}
    ]


def test_a_wallet_must_be_of_its_rail_when_it_is_frozen(market: Market) -> None:
    market.rows(OWNER, "set session_replication_role = replica")
    market.rows(
        OWNER,
        "update finance.wallet_checks set address_format = 'SPL' where wallet_address = %s",
        LINES[0].wallet,
    )
    market.rows(OWNER, "reset session_replication_role")
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch('2026-W47')") == (
        "the wallet of seller s1 in 2026-W47 is no checked wallet of its rail: nothing was frozen,"
        " hold the seller or build again"
    )


# ---- Pause --------------------------------------------------------------------------------------


def test_a_pause_stops_the_freeze_until_two_people_resume(market: Market) -> None:
    market.value("ana", PAUSE, "the bank called")
    line = (
        "payouts are paused since 2026-11-24 08:00 UTC by ana (the bank called):"
        " two people must resume them, {} so far"
    )
    assert market.obstacles() == [line.format(0)]
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch('2026-W47')") == line.format(0)
    assert [market.value("ana", RESUME, "fine") for _ in range(2)] == [False, False]
    assert market.obstacles() == [line.format(1)]
    # A new pause is a new decision.
    market.value("cem", PAUSE, "they called again")
    assert market.value("ben", RESUME, "fine") is False
    assert market.value("ana", RESUME, "fine") is True
    assert market.refusal("ana", RESUME, "fine") == "payouts are not paused"
    market.freeze()


def test_a_pause_stops_every_further_try(market: Market) -> None:
    """Pressed while the rail fails: no retry goes out, and the run after the resume ends it."""
    tries = []

    def fail(*_: object) -> Response:
        tries.append(1)
        if len(tries) == 1:
            market.value("ana", PAUSE, "something is odd")
        return Response(status_code=503)

    with rail(auto_approve=False) as url:
        with (
            odd_rail(url, fail) as odd,
            stamina.set_testing(True, attempts=3),
            pytest.raises(SettleError, match="payouts are paused"),
        ):
            market.pay(odd)
        assert (len(tries), market.state()) == (1, ["submitting"])
        with pytest.raises(SettleError, match="payouts are paused"):
            market.pay(url)
        assert books(url)["payouts"] == 0
        market.value("ana", RESUME, "fine")
        market.value("ben", RESUME, "fine")
        market.pay(url)
        paid_once(market, url)


# ---- Failed checks ------------------------------------------------------------------------------


def fail_check(market: Market, detail: str = "3 rows differ") -> None:
    market.rows(
        OWNER,
        "update handover.window_checks set is_passed = false, detail = %s",
        detail,
    )


def test_a_failed_check_stops_the_payout_until_two_people_accept_it(market: Market) -> None:
    fail_check(market)
    stands = (
        "check conservation of 2026-W47 failed (3 rows differ): mend it, or two people accept it"
        " ({} so far)"
    )
    assert market.obstacles() == [stands.format("nobody")]
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch(%s)", WINDOW) == (
        stands.format("nobody")
    )
    assert [market.value("ana", ACCEPT, "conservation") for _ in range(2)] == [1, 1]
    assert market.obstacles() == [stands.format("ana")]
    assert market.value("ben", ACCEPT, "conservation") == 2
    assert market.obstacles() == []
    # Other figures are another failure.
    fail_check(market, "4 rows differ")
    assert market.obstacles() == [stands.format("nobody").replace("3 rows", "4 rows")]


def test_a_check_is_accepted_as_it_was_seen(market: Market) -> None:
    """Both had the page open on which 3 rows differ; the next build found 4,000."""
    seen = "select finance.accept_seen_check('2026-W47', 'conservation', %s, 'known to us')"
    fail_check(market)
    assert market.value("ana", seen, "3 rows differ") == 1
    fail_check(market, "4000 rows differ")
    for person in ("ana", "ben"):
        assert market.refusal(person, seen, "3 rows differ") == (
            "check conservation of 2026-W47 fails otherwise now (4000 rows differ): nothing was"
            " accepted, look at it again"
        )
    assert len(market.obstacles()) == 1
    assert market.value("ben", seen, None) == 1


def test_a_check_that_does_not_stop_stops_nothing(market: Market) -> None:
    fail_check(market)
    market.rows(OWNER, "update handover.window_checks set is_blocking = false")
    assert market.obstacles() == []


def test_checks_that_were_not_computed_are_not_passed(market: Market) -> None:
    market.rows(OWNER, "truncate handover.window_checks")
    assert market.obstacles() == [
        "check not_computed of 2026-W47 failed (no check of this window was computed:"
        " run settle build): mend it, or two people accept it (nobody so far)"
    ]
    assert market.refusal("ana", ACCEPT, "not_computed").endswith("run settle build")
    assert market.refusal("ana", ACCEPT, "conservation") == (
        "check conservation does not fail for window 2026-W47: nothing to accept"
    )


def test_an_empty_note_decides_nothing(market: Market) -> None:
    fail_check(market)
    for query in (
        "select finance.pause_payouts('')",
        "select finance.hold_seller('s1', '')",
        f"select finance.block_wallet('{LINES[0].wallet}', '')",
        "select finance.accept_check('2026-W47', 'conservation', '')",
        "select finance.propose_policy('maximum_line', '', 1, '')",
    ):
        assert "_note_check" in market.refusal("ana", query)


def test_a_break_is_closed_by_a_note(market: Market) -> None:
    market.rows(OWNER, "select finance.open_break('mismatch', 'x', 'differs')")
    close = "select finance.close_break(1, %s)"
    assert market.refusal("ana", close, "").startswith("break 1 stays open: the note is empty")
    market.rows("ana", close, "halfin confirmed their typing error")
    [row] = market.rows("dora", "select * from finance.breaks")
    assert (row["closed_by"], row["closed_at"]) == ("ana", DUE)
    assert market.refusal("ben", close, "x") == "break 1 is not open: see settle breaks"


def test_unknown_sellers_and_windows(market: Market) -> None:
    release = "select finance.release_hold(%s, 's1', 'x')"
    assert "is not the latest closed and stored one" in market.refusal("ana", release, "2026-W40")
    market.close(*LINES[1:], Line("s1", 12_345, holds=("seller_suspended",)), weeks=1)
    assert market.refusal("ana", release, "2026-W48") == (
        "seller s1 is held in window 2026-W48 for seller_suspended, which a person cannot release:"
        " mend the cause"
    )
