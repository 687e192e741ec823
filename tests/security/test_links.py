"""A link to a seller's pages that got into wrong hands stops working before it expires."""

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect, connect_as
from orchestrator.decisions.decisions import DECISIONS, decide
from orchestrator.errors import SettleError
from orchestrator.web.portal.links import (
    DAY_S,
    LONGEST_DAYS,
    BadLinkError,
    make_token,
    read_token,
)
from tests.support.closed_week import ANALYST, FINANCE, closed_week
from tests.web.seller_site import HOUR, SECRET, SellerSite, seller_site

NOW = int(time.time())


@pytest.fixture(scope="module")
def site() -> Iterator[SellerSite]:
    with seller_site() as site:
        yield site


def link(site: SellerSite, seller: str, issued: int) -> str:
    return f"{site.url}/s/{make_token(seller, NOW + DAY_S, SECRET, issued=issued)}"


def first_form(seller: str, expires: int) -> str:
    claim = f"{urlsafe_b64encode(seller.encode()).rstrip(b'=').decode()}.{expires}"
    signed = f"settle-link-v1:{claim}".encode()
    return f"{claim}.{hmac.new(SECRET.encode(), signed, 'sha256').hexdigest()}"


def test_one_sellers_links_are_revoked_and_nobody_elses(site: SellerSite) -> None:
    """A link was good for its month; only a new secret for all sellers ended it."""
    seller, other = site.sellers["completed"], site.sellers["failed"]
    before = link(site, seller, NOW - HOUR)
    old = f"{site.url}/s/{first_form(seller, NOW + DAY_S)}"
    assert {site.get(address).status_code for address in (before, old)} == {200}
    settings, password = site.desk.settings, closed_week().server.password(FINANCE)
    given = {"seller": seller, "note": "it was forwarded"}
    decide(settings, FINANCE, password, DECISIONS["revoke-links"], given)
    for address in (before, old, f"{before}/statement.json", f"{before}/orders"):
        answer = site.get(address)
        assert (answer.status_code, "revoked" in answer.text) == (403, True)
        assert seller not in answer.text
    later = int(time.time()) + 60  # within what clocks differ
    assert site.get(link(site, seller, later)).status_code == 200
    assert site.get(link(site, other, NOW - HOUR)).status_code == 200


def test_the_database_itself_shows_nothing_to_a_revoked_link(site: SellerSite) -> None:
    seller = site.sellers["submitted"]
    with connect_as(
        site.desk.settings, FINANCE, closed_week().server.password(FINANCE)
    ) as database:
        database.execute("select finance.revoke_links(%s, 'n')", [seller])
    enter = "select portal.enter(%s, to_timestamp(%s)), portal.payouts()::text"
    with connect(site.desk.settings, Component.PORTAL) as portal:
        assert portal.execute(enter, [seller, NOW - 1]).fetchone() == (False, "[]")
        [is_good, payouts] = portal.execute(enter, [seller, NOW + DAY_S]).fetchone() or ()
        assert is_good
        assert payouts != "[]"


def test_who_may_revoke(site: SellerSite) -> None:
    week, decision = closed_week(), DECISIONS["revoke-links"]
    given = {"seller": "nobody", "note": "n"}
    with pytest.raises(SettleError, match="seller nobody is not known: no link was revoked"):
        decide(site.desk.settings, FINANCE, week.server.password(FINANCE), decision, given)
    with pytest.raises(SettleError, match="it takes a login of the finance group"):
        decide(site.desk.settings, ANALYST, week.server.password(ANALYST), decision, given)


@pytest.mark.parametrize(
    ("issued", "expires"),
    [
        (301, DAY_S),  # a link from the future would outlive a revocation
        (-DAY_S, LONGEST_DAYS * DAY_S),
        (0, LONGEST_DAYS * DAY_S + 1),
    ],
)
def test_a_link_says_when_it_was_issued_and_not_otherwise(issued: int, expires: int) -> None:
    token = make_token("s", NOW + expires, SECRET, issued=NOW + issued)
    with pytest.raises(BadLinkError):
        read_token(token, [SECRET], NOW)


def test_a_link_of_one_form_is_none_of_the_other() -> None:
    claim, _, signature = make_token("s", NOW + HOUR, SECRET, issued=NOW).rpartition(".")
    shop, issued, expires = claim.split(".")
    assert read_token(f"{claim}.{signature}", [SECRET], NOW).issued == NOW
    for other in (f"{shop}.{expires}", f"{shop}{issued}.{expires}", f"{claim}.1", shop, ""):
        with pytest.raises(BadLinkError):
            read_token(f"{other}.{signature}", [SECRET], NOW)
    old = read_token(first_form("s", NOW + HOUR), [SECRET], NOW)
    assert old.issued == NOW + HOUR - LONGEST_DAYS * DAY_S
