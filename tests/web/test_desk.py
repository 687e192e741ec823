"""The console over real HTTP: who may enter, who may decide, and that the database decides."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from orchestrator.config import Component
from orchestrator.web.headers import HEADERS
from tests.cli.people import exported
from tests.support.closed_week import ANALYST, FINANCE, SECOND, WINDOW
from tests.web.desk_site import CSRF, PAGES, WEEK, DeskSite, desk_site


@pytest.fixture
def site() -> Iterator[DeskSite]:
    with desk_site() as site:
        yield site


@pytest.fixture(scope="module")
def shared() -> Iterator[DeskSite]:
    """For tests that change nothing."""
    with desk_site() as site:
        yield site


def approvals(site: DeskSite) -> list[str]:
    query = "select approved_by from finance.approvals order by approval_id"
    return [row["approved_by"] for row in site.desk.rows(Component.ORCHESTRATOR, query)]


@pytest.mark.parametrize("name", [FINANCE, ANALYST])
def test_members_of_both_groups_can_open_every_page(shared: DeskSite, name: str) -> None:
    with shared.person(name) as person:
        for page in PAGES:
            answer = person.get(page)
            assert answer.status_code == 200, (page, answer.text)
            assert "<script" not in answer.text
            assert "style=" not in answer.text
            for header, value in HEADERS.items():
                assert answer.headers[header] == value
            assert answer.headers["Cache-Control"] == "no-store"
            forms = answer.text.count("/desk/do/")
            assert forms == 0 or name == FINANCE, page
        for page in ("/desk/x", "/desk/windows/2020-W01", "/desk/windows/x", "/desk/sellers/x"):
            assert person.get(page).status_code == 404


def test_window_page_shows_the_figures_of_the_review(shared: DeskSite) -> None:
    document = shared.desk.json("review", WINDOW)
    with shared.person(ANALYST) as person:
        text = person.get(WEEK).text
    for rail in document["by_rail"]:
        assert f"{Decimal(rail['total']):,.2f}" in text
    assert document["digest"] in text
    for line in shared.desk.rows(
        Component.ORCHESTRATOR, "select o from finance.payout_obstacles(%s) as o", WINDOW
    ):
        assert line["o"].split(":")[0] in text


def test_export_lists_the_lines_behind_the_digest(shared: DeskSite, tmp_path: Path) -> None:
    with shared.person(FINANCE) as person:
        answer = person.get(f"{WEEK}/export.csv")
    file = tmp_path / "export.csv"
    file.write_bytes(answer.content)
    digest, rows = exported(file)
    assert digest == shared.desk.digest()
    assert digest[:12] in answer.headers["Content-Disposition"]
    assert rows


def test_journal_files_are_those_of_the_command_line(shared: DeskSite, tmp_path: Path) -> None:
    with shared.person(ANALYST) as person:
        links = re.findall(r'href="(/desk/books/journal-[^"]+)"', person.get("/desk/books").text)
        files = {link: person.get(link) for link in links}
        for unknown in ("journal-2026-13.csv", "journal-2026-10.xls"):
            assert person.get(f"/desk/books/{unknown}").status_code == 404
    assert [link.rpartition(".")[2] for link in links[:2]] == ["csv", "beancount"]
    for link, answer in files.items():
        month, kind = link.removeprefix("/desk/books/journal-").split(".")
        written = shared.desk.settle.done(
            *("export", "journal", "--month", month, "--format", kind),
            *("--so-far", "--to", str(tmp_path)),
        )
        file = Path(written.rstrip("\n"))
        assert answer.content == file.read_bytes() != b""
        assert f'filename="{file.name}"' in answer.headers["Content-Disposition"]
    assert any("so-far" in answer.headers["Content-Disposition"] for answer in files.values())


def test_two_people_approve_the_reviewed_digest_and_one_revokes(site: DeskSite) -> None:
    with site.person(FINANCE) as ana, site.person(SECOND) as ben:
        text = ana.get(f"{WEEK}/approve").text
        document = site.desk.json("review", WINDOW)
        assert f"{Decimal(document['total']):,.2f} USD to {document['line_count']} sellers" in text
        digest = document["digest"]
        for person, name in ((ana, FINANCE), (ben, SECOND)):
            answer = person.do(
                f"{WEEK}/approve", "approve", window=WINDOW, digest=digest, back=WEEK
            )
            assert f"{name} approved {WINDOW}, digest {digest}." in answer.text
            assert f">{name}<" in answer.text  # in the table of approvals
        assert approvals(site) == [FINANCE, SECOND]
        assert '<span class="state good">approved</span>' in ana.get(WEEK).text
        said = ana.do(WEEK, "approve", window=WINDOW, digest="0" * 64)
        assert '<p class="notice bad" role="status">' in said.text
        assert f"{FINANCE} approved" not in said.text
        assert approvals(site) == [FINANCE, SECOND]
        assert (
            f"{SECOND} revoked the approval of {WINDOW}."
            in ben.do(WEEK, "revoke", window=WINDOW).text
        )


def test_double_click_creates_one_approval(site: DeskSite) -> None:
    with site.person(FINANCE) as ana:
        token = CSRF.search(ana.get(WEEK).text)
        assert token
        form = {"csrf": token[1], "back": WEEK, "window": WINDOW, "digest": site.desk.digest()}
        with ThreadPoolExecutor(2) as clicks:
            answers = clicks.map(lambda _: ana.post("/desk/do/approve", data=form), range(2))
        assert {answer.status_code for answer in answers} == {200}
    approvals_left = site.desk.rows(
        Component.ORCHESTRATOR, "select * from finance.approvals where revoked_at is null"
    )
    assert len(approvals_left) == 1


def test_analyst_cannot_decide_with_a_crafted_form(site: DeskSite) -> None:
    with site.person(ANALYST) as eve:
        said = eve.do(WEEK, "approve", window=WINDOW, digest=site.desk.digest())
        assert "eve may not do this" in said.text
        for action, fields in (("pause", {"note": "x"}), ("hold", {"seller": "x", "note": "x"})):
            assert "eve may not do this" in eve.do("/desk", action, **fields).text
    assert approvals(site) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"csrf": ""}, 403),
        ({"csrf": "x" * 43}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_cross_site_forms_are_rejected(site: DeskSite, change: dict[str, str], status: int) -> None:
    with site.person(FINANCE) as ana:
        token = CSRF.search(ana.get(WEEK).text)
        assert token
        form = {"csrf": token[1], "note": "x"} | {k: v for k, v in change.items() if k == "csrf"}
        headers = {k: v for k, v in change.items() if k == "Origin"}
        answer = ana.post("/desk/do/pause", data=form, headers=headers)
        assert answer.status_code == status
        assert "Payouts are paused" not in ana.get("/desk").text
        assert ana.post("/desk/do/pause", content=b"\xff=\xfe").status_code in (400, 403)


def test_decisions_are_recorded_under_the_login_that_made_them(site: DeskSite) -> None:
    with site.person(FINANCE) as ana, site.person(SECOND) as ben:
        seller = "/desk/sellers/seller-000001"
        assert "is held" in ana.do(seller, "hold", seller="seller-000001", note="<b>why</b>").text
        shown = ana.get(seller).text
        assert "&lt;b&gt;why&lt;/b&gt;" in shown
        assert (
            "is released"
            in ben.do(WEEK, "release", window=WINDOW, seller="seller-000001", note="asked").text
        )
        said = ana.do(seller, "adjust", seller="seller-000001", amount="12.5O", note="x").text
        assert "is not an amount; write it like 12.50 or -3.00" in said
        assert "the note is empty; say why" in ana.do(seller, "hold", seller="s", note=" ").text
        said = ana.do(seller, "adjust", seller="seller-000001", amount="-3.00", note="x").text
        assert (
            "Adjustment 1 of -3.00 for seller-000001 waits: another person must approve it." in said
        )
        said = ana.do("/desk/adjustments", "approve-adjustment", id="1").text
        assert "ana entered adjustment 1: somebody else must approve it" in said
        assert (
            f"{SECOND} approved adjustment 1: -3.00"
            in ben.do("/desk/adjustments", "approve-adjustment", id="1").text
        )
        assert f"{FINANCE} paused payouts" in ana.do("/desk", "pause", note="a drill").text
        assert "a drill" in ben.get(WEEK).text
        assert "one more person must." in ana.do("/desk", "resume", note="over").text
        assert f"{SECOND} resumed payouts" in ben.do("/desk", "resume", note="over").text
    [hold] = site.desk.rows(Component.ORCHESTRATOR, "select held_by from finance.seller_holds")
    assert hold["held_by"] == FINANCE


def test_a_sellers_page_releases_from_the_reason_that_it_shows_and_no_other(site: DeskSite) -> None:
    seller = "/desk/sellers/seller-000001"
    wallet = (
        "update marketplace.sellers set wallet_address = %s where seller_id = 'seller-000001'"
        " returning seller_id"
    )
    with site.person(FINANCE) as ana, site.person(SECOND) as ben:
        ana.do(seller, "hold", seller="seller-000001", note="a question")
        shown = ben.get(seller).text
        form = shown[: shown.index("<button>Release from")].rpartition("<form")[2]
        fields = re.findall(r'name="(window|file)" value="([^"]*)"', form)
        hold = site.desk.rows(Component.OWNER, "select hold_id from finance.seller_holds")[0]
        assert ("file", f"seller-000001,manual_review,{hold['hold_id']}") in fields
        rows = "\n".join(value for name, value in fields if name == "file")
        site.desk.rows(Component.OWNER, wallet, "0x52908400098527886E0F7030069857D2E4169EE7")
        said = ben.do(seller, "release-file", window=WINDOW, file=rows, note="answered").text
        assert "is held for changed wallet now, not for manual review: look at it again" in said
    assert not site.desk.rows(Component.ORCHESTRATOR, "select from finance.hold_releases")


def test_a_file_is_pasted_into_a_form_and_approved_as_a_whole(site: DeskSite) -> None:
    page = "/desk/adjustments"
    with site.person(FINANCE) as ana, site.person(SECOND) as ben:
        bad = "seller_id,amount,type\r\nseller-000002,1.00,goodwill\r\n<b>,1.001,\r\n"
        said = ana.do(page, "adjust-file", file=bad, note="x").text
        assert "line 3: amount: has more than two decimals; round it or fix the export" in said
        assert "line 3: seller_id: no such seller is known" in said
        good = "seller_id,amount,type\r\nseller-000002,1.00,goodwill\r\nseller-000003,-2,\r\n"
        assert "of 2 rows waits" in ana.do(page, "adjust-file", file=good, note="x").text
        shown = ben.get(page).text
        [number] = re.findall(r"<h2>File ([0-9]+)</h2>", shown)
        said = ben.do(page, "approve-adjustments", file_id=number).text
        assert f"{SECOND} approved file {number} (2 waited): -1.00 altogether." in said


def test_wallets_are_blocked_by_a_file_listed_and_lifted(site: DeskSite) -> None:
    page, unnamed = "/desk/blocks", f"0x{'7' * 40}"
    [named] = site.desk.rows(
        Component.ORCHESTRATOR,
        "select wallet_address from settlement.seller_accounts where seller_id = 'seller-000002'",
    )
    wallet = named["wallet_address"]
    with site.person(FINANCE) as ana, site.person(SECOND) as ben:
        assert "No wallet is blocked." in ana.get(page).text
        bad = f"wallet,note\r\n{wallet},\r\n0xtypo,\r\n"
        said = ana.do(page, "block-file", file=bad, note="a list").text
        assert "line 3: wallet: looks like no TRC-20, ERC-20 or SPL address" in said
        assert "No wallet is blocked." in said
        assert (
            "wallet 0xtypo was not blocked: it looks like no TRC-20"
            in ana.do(page, "block", wallet="0xtypo", note="a list").text
        )
        good = f"wallet,note\r\n{wallet},a court order\r\n{unnamed},\r\n"
        said = ana.do(page, "block-file", file=good, note="a list").text
        assert "blocked a file of 2: 2 new, 0 blocked before, 1 named by sellers." in said
        assert f"line 2: {wallet} is blocked; it is the wallet of seller-000002" in said
        shown = ben.get(page).text
        for text in (wallet, unnamed, "a court order", "a list", "seller-000002", FINANCE):
            assert text in shown
        said = ana.do(page, "unblock", wallet=wallet, note="a mistake").text
        assert "somebody else must lift it" in said
        said = ben.do(page, "unblock", wallet=wallet, note="a mistake").text
        assert f"Wallet {wallet} is no longer blocked." in said
        assert "a court order" not in said
        said = ben.do(page, "unblock", wallet=wallet, note="a mistake").text
        assert "is not blocked: settle blocks, or Blocks in the console, lists those" in said


def test_redirect_after_a_decision_stays_on_the_console(site: DeskSite) -> None:
    with site.person(FINANCE) as ana:
        for back in ("https://elsewhere.example", "//elsewhere.example", "/desk\\..", "/s/x"):
            answer = ana.do("/desk", "revoke", window=WINDOW, back=back)
            assert answer.url.path == "/desk"
