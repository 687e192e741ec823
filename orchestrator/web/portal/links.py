"""Signed links: who has one may see one seller's pages until it expires or is revoked.

A link is BASE/s/TOKEN, TOKEN is SELLER.ISSUED.EXPIRES.SIGNATURE: the seller's id as unpadded
base64url, seconds since 1970 twice, and the hex HMAC-SHA256 of
"settle-link-v2:SELLER.ISSUED.EXPIRES". The database knows which links of a seller are revoked: all
that were issued before an instant. A link of the first form, SELLER.EXPIRES, does not say when it
was issued, and counts as issued as early as it may have been.
"""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.config import Settings
from orchestrator.secret_files import generated_secret

DAY_S = 86_400
LONGEST_DAYS = 31
CLOCKS_APART_S = 300  # of who makes a link and of who reads it


@dataclass(frozen=True)
class Link:
    """Whose pages a link shows, and when it was issued, in seconds since 1970."""

    seller: str
    issued: int


class BadLinkError(Exception):
    """The link is not one of ours."""


class ExpiredLinkError(Exception):
    """It was one of ours, and its time is over."""


def link_secrets(settings: Settings) -> tuple[str, ...]:
    """SETTLE_LINK_SECRET (two while rotating), or off production a generated one."""
    return settings.link_secrets or (generated_secret(settings, "SETTLE_LINK_SECRET"),)


def make_token(seller: str, expires: int, secret: str, *, issued: int | None = None) -> str:
    """The token of a link for the seller that is good until `expires`, in seconds since 1970."""
    shop = urlsafe_b64encode(seller.encode()).rstrip(b"=").decode()
    claim = f"{shop}.{int(time.time()) if issued is None else issued}.{expires}"
    return f"{claim}.{_signature(claim, secret)}"


def read_token(token: str, secrets: Sequence[str], now: int) -> Link:
    """What a token says. Raises BadLinkError, or ExpiredLinkError for a real one.

    One that is good for longer than LONGEST_DAYS is not accepted: links end up in mailboxes.
    """
    claim, _, signature = token.rpartition(".")
    if not any(
        hmac.compare_digest(_signature(claim, secret).encode(), signature.encode())
        for secret in secrets
    ):
        raise BadLinkError
    seller, *instants = claim.split(".")
    if not all(i.isascii() and i.isdigit() and len(i) <= 12 for i in instants):
        raise BadLinkError
    expires = int(instants[-1])
    issued = int(instants[0]) if len(instants) == 2 else expires - LONGEST_DAYS * DAY_S
    if expires <= now:
        raise ExpiredLinkError
    if issued > now + CLOCKS_APART_S or expires > min(issued, now) + LONGEST_DAYS * DAY_S:
        raise BadLinkError
    try:
        return Link(urlsafe_b64decode(seller + "=" * (-len(seller) % 4)).decode(), issued)
    except ValueError:
        raise BadLinkError from None


def _signature(claim: str, secret: str) -> str:
    """Of a claim of either form; each has a word of its own, so that neither passes for the other.

    Anything else has none.
    """
    form = {1: "v1", 2: "v2"}.get(claim.count("."), "none")
    return hmac.new(secret.encode(), f"settle-link-{form}:{claim}".encode(), "sha256").hexdigest()
