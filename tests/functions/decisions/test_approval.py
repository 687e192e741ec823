"""What there is to approve, its digest, and who may approve it."""

import psycopg
import pytest

from tests.functions.market import (
    CLOSE,
    DUE,
    LINES,
    WEEK,
    WINDOW,
    Line,
    Market,
    expected_digest,
    wallet_of,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import APPROVE, FLAGGED, FREEZE, RELEASE

# ---- The digest ----


def test_the_digest_names_the_ready_lines(market: Market) -> None:
    lines = (*LINES, Line("S2", 5), Line("Žofie", 123_456_789, "SPL"), Line("s-1", 100))
    market.close(*lines, FLAGGED)
    assert market.digest() == expected_digest(*lines)
    found = market.rows("dora", "select line_count, total_minor from finance.payable(%s)", WINDOW)
    assert found == [{"line_count": 6, "total_minor": sum(line.net_minor for line in lines)}]


@pytest.mark.parametrize(
    "other",
    [Line("s1", 12_346), Line("s1", 12_345, "SPL"), Line("s0", 12_345)],
    ids=["amount", "rail and wallet", "seller"],
)
def test_any_change_changes_the_digest(market: Market, other: Line) -> None:
    market.close(other, *LINES[1:])
    assert market.digest() == expected_digest(other, *LINES[1:]) != expected_digest(*LINES)


def test_the_digest_tells_wallets_apart(market: Market) -> None:
    market.at(CLOSE)
    market.build(*LINES)
    for table in ("marketplace.sellers", "settlement_core.int_settlement__computed"):
        query = f"update {table} set wallet_address = %s where seller_id = 's1'"
        market.rows(OWNER, query, wallet_of("other", "TRC-20"))
    market.store(WINDOW)
    assert market.digest() != expected_digest(*LINES)


def test_an_empty_set_has_a_digest_and_no_approval(market: Market) -> None:
    market.close(FLAGGED)
    assert market.digest() == expected_digest()
    assert market.refusal("ana", APPROVE, WINDOW, market.digest()) == (
        "window 2026-W47 has no line that is ready: nothing to approve"
    )
    market.at(DUE)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "window 2026-W47 has no line that is ready"
    )


# ---- Approving ----


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (OWNER, "settle_admin is an owner of the database and may not decide about payouts:"),
        ("orchestrator", "permission denied for function approve"),
        ("dbt", "permission denied for function approve"),
        ("webhook", "permission denied for schema finance"),
        ("portal", "permission denied for schema finance"),
        ("dora", "permission denied for function approve"),
    ],
)
def test_only_finance_approves(market: Market, login: str, said: str) -> None:
    market.close()
    assert market.refusal(login, APPROVE, WINDOW, market.digest()).startswith(said)
    assert market.value("dora", "select count(*) from finance.approvals") == 0


def test_an_owner_in_the_finance_group_is_still_an_owner(market: Market) -> None:
    market.close()
    with market.connect(OWNER, autocommit=False) as owner:
        owner.execute("create role twohats in role settle_finance, settle_owner")
        owner.execute("set local session authorization twohats")
        with pytest.raises(psycopg.Error, match="twohats is an owner of the database"):
            owner.execute(APPROVE, [WINDOW, expected_digest(*LINES)])
        owner.rollback()
        owner.execute("create role nohat")
        owner.execute("grant usage on schema finance to nohat")
        owner.execute("grant execute on function finance.approve to nohat")
        owner.execute("set local session authorization nohat")
        with pytest.raises(
            psycopg.Error, match="nohat is not in the finance group: ask for settle"
        ):
            owner.execute(APPROVE, [WINDOW, expected_digest(*LINES)])
        owner.rollback()


def test_an_approval_is_of_what_is_ready_now(market: Market) -> None:
    market.close(*LINES, FLAGGED)
    seen = market.digest()
    market.rows("ana", RELEASE, WINDOW, "s3")
    now = expected_digest(*LINES, FLAGGED)
    for given in (seen, None, now.upper()):
        assert market.refusal("ben", APPROVE, WINDOW, given) == (
            f"the digest of 2026-W47 is now {now} (4 lines, 1623.52 USD), not {given or 'empty'}:"
            " review again and approve what you saw"
        )


def test_only_the_latest_closed_window_is_approved(market: Market) -> None:
    assert market.refusal("ana", APPROVE, WINDOW, "") == (
        "window 2026-W47 has no stored close: nothing to approve yet"
    )
    market.close()
    market.at(CLOSE + WEEK)
    moved_on = "window 2026-W47 is not the latest closed one ({}): its amounts have moved on"
    assert market.refusal("ana", APPROVE, WINDOW, market.digest()) == moved_on.format(
        "none is stored"
    )
    market.close(weeks=1)
    assert market.refusal("ana", APPROVE, WINDOW, market.digest()) == moved_on.format("2026-W48")
    market.approve("ana", window="2026-W48")


def test_an_approval_says_who_when_and_what(market: Market) -> None:
    market.close()
    market.approve("ana", "ana")  # a double click
    [approval] = market.rows("dora", "select * from finance.approvals")
    assert (approval["approved_by"], approval["approved_at"]) == ("ana", CLOSE)
    assert (approval["digest"], approval["currency"]) == (expected_digest(*LINES), "USD")
    assert (approval["line_count"], approval["total_minor"]) == (3, 112_352)
    lines = market.rows(
        "dora",
        "select seller_id, net_minor, rail, wallet_address from finance.approval_lines order by 1",
    )
    assert [tuple(line.values()) for line in lines] == [
        (line.seller, line.net_minor, line.rail, line.wallet) for line in LINES
    ]


def test_an_approval_holds_the_lines_of_its_digest(fresh: Market) -> None:
    """A line that changes while somebody approves is in none of the two, or the approval fails."""
    fresh.close()
    fresh.rows(
        OWNER,
        "set role settle_owner; alter table marketplace.sellers rename to accounts;"
        " create view marketplace.sellers as select a.seller_id, a.display_name,"
        " case when a.seller_id = 's2' and not exists (select from finance.approvals)"
        " then 'suspended' else 'active' end as status, a.payouts_enabled,"
        " a.wallet_address from marketplace.accounts as a; reset role",
    )
    assert fresh.refusal("ana", APPROVE, WINDOW, expected_digest(*LINES[:2])) == (
        "the lines of 2026-W47 changed while it was approved: review and approve again"
    )


def test_a_newer_approval_replaces_the_older_one_of_the_same_person(market: Market) -> None:
    market.close(*LINES, FLAGGED)
    market.approve("ana", "ben")
    market.rows("cem", RELEASE, WINDOW, "s3")
    market.approve("ana")
    standing = market.rows(
        "dora",
        "select approved_by, line_count, revoked_by from finance.approvals order by approval_id",
    )
    assert [tuple(row.values()) for row in standing] == [
        ("ana", 3, "ana"),
        ("ben", 3, None),
        ("ana", 4, None),
    ]


def test_a_revoked_approval_is_none(market: Market) -> None:
    market.close()
    market.approve("ana")
    assert market.value("ben", "select finance.revoke_approval(%s)", WINDOW) is False
    assert market.value("ana", "select finance.revoke_approval(%s)", WINDOW) is True
    market.at(DUE)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        f"window 2026-W47 is not approved: review it and approve digest {expected_digest(*LINES)}"
    )


def test_a_frozen_window_is_neither_approved_nor_revoked(market: Market) -> None:
    market.approved()
    market.freeze()
    assert market.refusal("ben", APPROVE, WINDOW, market.digest()) == (
        "window 2026-W47 is frozen already: nothing is left to approve"
    )
    assert market.refusal("ana", "select finance.revoke_approval(%s)", WINDOW) == (
        "window 2026-W47 is frozen already: an approval can no longer be revoked"
    )
