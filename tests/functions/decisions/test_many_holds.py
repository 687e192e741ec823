"""Many sellers held or released at once: one decision, all or nothing, a row for each."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.functions.market import LINES, WINDOW, Line, Market
from tests.functions.payment_server import OWNER

HOLD = "select finance.hold_sellers(%s, %s)"
RELEASE = "select * from finance.release_sellers('2026-W47', %s, %s)"
REASON = "select * from finance.release_reason('2026-W47', %s, %s, %s)"
DIGEST = "select finance.held_digest('2026-W47', %s)"
FLAGGED = [
    Line(f"f{n}", 1000 + n, "SPL", holds=("manual_review", "above_maximum")[: 1 + n % 2])
    for n in range(1, 5)
]
SUSPENDED = Line("x1", 500, holds=("seller_suspended",))


@pytest.fixture
def market() -> Iterator[Market]:
    """Four flagged sellers, two of whom are above the limit too, and one who is suspended."""
    with Market.open() as market:
        market.close(*LINES, *FLAGGED, SUSPENDED)
        yield market


def file_of(*rows: tuple[str, ...]) -> str:
    columns = ("seller_id", "held_for", "wallet", "hold")
    return json.dumps(
        [{"line": n} | dict(zip(columns, row, strict=False)) for n, row in enumerate(rows, start=2)]
    )


def held(market: Market) -> dict[str, str]:
    query = "select seller_id, held_for from finance.held_sellers(%s) order by 1"
    return {r["seller_id"]: r["held_for"] for r in market.rows("dora", query, WINDOW)}


def releases(market: Market) -> list[tuple[object, ...]]:
    query = (
        "select seller_id, reason, note, released_by, file_id from finance.hold_releases"
        " order by release_id"
    )
    return [tuple(row.values()) for row in market.rows("dora", query)]


def test_a_file_of_holds_is_one_decision_with_a_row_for_each(market: Market) -> None:
    number = market.value("ana", HOLD, file_of(("s1",), ("s2",)), "a call from the bank")
    columns = "seller_id, note, held_by, file_id"
    query = f"select {columns} from finance.seller_holds order by hold_id"
    assert [tuple(row.values()) for row in market.rows("dora", query)] == [
        ("s1", "a call from the bank", "ana", number),
        ("s2", "a call from the bank", "ana", number),
    ]
    assert held(market) == {
        **{line.seller: "manual_review" for line in FLAGGED},
        **{"s1": "manual_review", "s2": "manual_review", "x1": "seller_suspended"},
    }


def test_each_bad_row_of_holds_is_named_and_nobody_is_held(market: Market) -> None:
    market.value("ben", "select finance.hold_seller('s2', 'seen before')")
    rows = file_of(("s1",), ("nobody",), ("s1",), ("s2",), ("",))
    assert market.faults("ana", HOLD, rows, "x") == [
        "line 3: seller_id: no such seller is known; load the seller first, or fix the id",
        "line 4: seller_id: is on line 2 too; keep one of the two",
        "line 5: seller_id: s2 is held already, by ben: leave the row out",
        "line 6: seller_id: is empty; every row needs one",
    ]
    assert market.value("dora", "select count(*) from finance.seller_holds") == 1
    assert "_note_check" in market.refusal("ana", HOLD, file_of(("s1",)), "")
    assert "permission denied" in market.refusal("dora", HOLD, file_of(("s1",)), "x")


def test_a_file_of_releases_is_one_decision_with_a_row_for_each(market: Market) -> None:
    market.value("ana", "select finance.hold_seller('s1', 'a question')")
    wallet = LINES[0].wallet
    rows = file_of(("s1", "manual_review", wallet), ("f1", "manual_review"), ("f2",))
    [done] = market.rows("ben", RELEASE, rows, "all looked at")
    number = done["file_id"]
    assert done["still_held"] == 1  # f1, whose amount is above the limit too
    assert releases(market) == [
        (seller, "manual_review", "all looked at", "ben", number) for seller in ("s1", "f1", "f2")
    ]
    assert held(market) == {
        "f1": "above_maximum",
        "f3": "manual_review",
        "f4": "manual_review",
        "x1": "seller_suspended",
    }
    lifted = market.rows("dora", "select lifted_by from finance.seller_holds")
    assert lifted == [{"lifted_by": "ben"}]
    # Whoever released them is not their only approver.
    market.approve("ben")
    assert any("released a held seller" in line for line in market.obstacles())


def test_each_bad_row_of_releases_is_named_and_nobody_is_released(market: Market) -> None:
    market.rows("ben", RELEASE, file_of(("f2",)), "before")
    rows = file_of(
        ("f1", "above_maximum"),
        ("f2", "manual_review"),
        ("f3", "manual_review", "another wallet"),
        ("f4",),
        ("f4",),
        ("nobody",),
        ("s1",),
        ("x1",),
    )
    assert market.faults("ana", RELEASE, rows, "x") == [
        "line 2: held_for: f1 is held for manual_review now, not for above_maximum: look at it"
        " again",
        "line 3: seller_id: f2 was released from manual_review by ben before: leave the row out",
        "line 4: wallet: f3 names another wallet now: look at it again",
        "line 6: seller_id: is on line 5 too; keep one of the two",
        "line 7: seller_id: no such seller is known; load the seller first, or fix the id",
        "line 8: seller_id: s1 is not held in 2026-W47: leave the row out",
        "line 9: seller_id: x1 is held for seller_suspended, which a person cannot release: mend"
        " the cause",
    ]
    assert len(releases(market)) == 1
    assert "_note_check" in market.refusal("ana", RELEASE, file_of(("f1",)), "")
    assert "permission denied" in market.refusal("dora", RELEASE, file_of(("f1",)), "x")


def test_a_reason_is_released_exactly_as_it_was_shown(market: Market) -> None:
    digest = market.value("dora", DIGEST, "manual_review")
    [done] = market.rows("ana", REASON, "manual_review", digest, "reviewed")
    assert (done["row_count"], done["still_held"]) == (4, 2)
    assert {(row[0], row[1], row[4]) for row in releases(market)} == {
        (line.seller, "manual_review", done["file_id"]) for line in FLAGGED
    }
    assert held(market) == {"f1": "above_maximum", "f3": "above_maximum", "x1": "seller_suspended"}
    assert market.refusal("ana", REASON, "manual_review", digest, "x") == (
        "no seller is held in window 2026-W47 for manual_review: nothing to release"
    )


CHANGES = {
    "a seller more": ("ben", "select finance.hold_seller('s1', 'since')"),
    "a seller less": ("ben", "select finance.release_hold('2026-W47', 'f2', 'alone')"),
    "another reason": (
        OWNER,
        "update marketplace.sellers set status = 'suspended' where seller_id = 'f2'",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_reason_is_not_released_where_its_set_changed(market: Market, change: str) -> None:
    digest = market.value("dora", DIGEST, "manual_review")
    market.rows(*CHANGES[change])
    before = releases(market)
    assert market.refusal("ana", REASON, "manual_review", digest, "x").endswith(
        "or have another wallet or hold: nothing was released; look at them again"
    )
    assert releases(market) == before


def test_another_wallet_is_another_set(market: Market) -> None:
    change = "update marketplace.sellers set wallet_address = %s where seller_id = 's1'"
    market.rows(OWNER, change, "second")
    digest = market.value("dora", DIGEST, "wallet_changed")
    market.rows(OWNER, change, "third")
    assert "have another wallet" in market.refusal("ana", REASON, "wallet_changed", digest, "x")
    assert releases(market) == []


def test_a_reason_that_nobody_may_release_is_refused(market: Market) -> None:
    digest = market.value("dora", DIGEST, "seller_suspended")
    assert market.refusal("ana", REASON, "seller_suspended", digest, "x") == (
        "1 sellers are held in window 2026-W47 for seller_suspended, which a person cannot"
        " release: mend the cause"
    )
    older = "select * from finance.release_reason('2026-W40', 'manual_review', 'x', 'x')"
    assert "is not the latest closed and stored one" in market.refusal("ana", older)
    older = "select * from finance.release_sellers('2026-W40', '[]', 'x')"
    assert "is not the latest closed and stored one" in market.refusal("ana", older)


def test_a_hold_since_the_look_is_not_lifted_with_the_flags(market: Market) -> None:
    """The seller was held for the same reason before: by the close, and then by a person, too."""
    digest = market.value("ben", DIGEST, "manual_review")
    market.rows("ana", "select finance.hold_seller('f2', 'the police asked')")
    refusal = market.refusal("ben", REASON, "manual_review", digest, "looked at")
    assert "or have another wallet or hold: nothing was released" in refusal
    query = "select count(*) from finance.seller_holds where lifted_at is null"
    assert market.value("dora", query) == 1
    digest = market.value("ben", DIGEST, "manual_review")
    market.rows("ben", REASON, "manual_review", digest, "she was asked")
    assert market.value("dora", query) == 0


def test_a_hold_since_the_look_is_not_lifted_by_a_file(market: Market) -> None:
    """It was made of the flagged, one of whom a person held; since then both have another hold."""
    wallet = {line.seller: line.wallet for line in FLAGGED}
    market.rows("ana", "select finance.hold_seller('f3', 'a question')")
    [hold] = market.rows("dora", "select hold_id from finance.seller_holds")
    rows = file_of(
        ("f2", "manual_review", wallet["f2"], ""),
        ("f3", "manual_review", wallet["f3"], str(hold["hold_id"])),
    )
    market.rows("ana", "select finance.release_hold(%s, 'f3', 'answered')", WINDOW)
    market.rows("ana", "select finance.hold_seller('f3', 'another question')")
    market.rows("ana", "select finance.hold_seller('f2', 'the police asked')")
    assert market.faults("ben", RELEASE, rows, "looked at") == [
        f"line {line}: hold: {seller} is held by ana (hold {hold['hold_id'] + since}) now, which is"
        " not what was looked at: look at it again"
        for line, seller, since in ((2, "f2", 2), (3, "f3", 1))
    ]
    query = "select count(*) from finance.seller_holds where lifted_at is null"
    assert market.value("dora", query) == 2


def test_of_two_people_who_release_the_same_file_one_does(market: Market) -> None:
    rows = file_of(*((line.seller,) for line in FLAGGED))

    def release(who: str) -> str:
        try:
            with market.connect(who) as database:
                database.execute(RELEASE.encode(), (rows, f"by {who}"))
        except psycopg.errors.RaiseException as error:
            return (error.diag.message_detail or "").splitlines()[0]
        return "released"

    with ThreadPoolExecutor(2) as people:
        answers = sorted(people.map(release, ("ana", "ben")))
    [refused, done] = answers
    assert done == "released"
    assert refused.startswith("line 3: seller_id: f2 was released from manual_review by ")
    assert [row[0] for row in releases(market)] == [line.seller for line in FLAGGED]
    assert len({row[2:] for row in releases(market)}) == 1
