"""Signed links: who has one may see one seller's pages until it expires, and nothing else.

A link is BASE/s/TOKEN, TOKEN is SELLER.EXPIRES.SIGNATURE: the seller's id as unpadded base64url,
seconds since 1970, and the hex HMAC-SHA256 of "settle-link-v1:SELLER.EXPIRES".
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from orchestrator.config import Settings
from orchestrator.secret_files import generated_secret

DAY_S = 86_400
LONGEST_DAYS = 31


class BadLinkError(Exception):
    """The link is not one of ours."""


class ExpiredLinkError(Exception):
    """It was one of ours, and its time is over."""


def link_secrets(settings: Settings) -> tuple[str, ...]:
    """SETTLE_LINK_SECRET (two while rotating), or off production a generated one."""
    return settings.link_secrets or (generated_secret(settings, "SETTLE_LINK_SECRET"),)


def make_token(seller: str, expires: int, secret: str) -> str:
    """The token of a link for the seller that is good until `expires`, in seconds since 1970."""
    claim = f"{urlsafe_b64encode(seller.encode()).rstrip(b'=').decode()}.{expires}"
    return f"{claim}.{_signature(claim, secret)}"


def seller_of(token: str, secrets: Sequence[str], now: int) -> str:
    """The seller whose link this is. Raises BadLinkError, or ExpiredLinkError for a real one.

    One that is good for longer than LONGEST_DAYS is not accepted: links end up in mailboxes.
    """
    claim, _, signature = token.rpartition(".")
    if not any(
        hmac.compare_digest(_signature(claim, secret).encode(), signature.encode())
        for secret in secrets
    ):
        raise BadLinkError
    seller, _, expires = claim.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        raise BadLinkError
    if int(expires) <= now:
        raise ExpiredLinkError
    if int(expires) > now + LONGEST_DAYS * DAY_S:
        raise BadLinkError
    try:
        return urlsafe_b64decode(seller + "=" * (-len(seller) % 4)).decode()
    except ValueError:
        raise BadLinkError from None


def _signature(claim: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"settle-link-v1:{claim}".encode(), "sha256").hexdigest()
