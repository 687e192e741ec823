"""The signature of halfin's webhooks: made by the sandbox, checked by the receiver."""

import hashlib
import hmac
import re
from collections.abc import Sequence

SIGNATURE_HEADER = "X-Halfin-Signature"
EVENT_HEADER = "X-Halfin-Event"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of X-Halfin-Signature for a raw body sent at `timestamp` (unix seconds)."""
    return f"t={timestamp},v1={_digest(secret, str(timestamp), body)}"


def verify(
    header: str, body: bytes, secrets: Sequence[str], now: int, tolerance_s: int = 300
) -> bool:
    """Whether any of the secrets signed this raw body within the tolerance. Never raises.

    `now` is the real clock in unix seconds, never the settlement clock.
    """
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    # Two timestamps leave open which one was signed.
    if len(times) != 1 or not re.fullmatch(r"[0-9]{1,12}", times[0]):
        return False
    if abs(now - int(times[0])) > tolerance_s:
        return False
    given = [value.encode("utf-8", "surrogatepass") for name, _, value in pairs if name == "v1"]
    is_signed = False
    for secret in filter(None, secrets):  # anyone can sign with an empty secret
        expected = _digest(secret, times[0], body).encode()
        for candidate in given[:8]:
            is_signed |= hmac.compare_digest(expected, candidate)
    return is_signed


def _digest(secret: str, timestamp: str, body: bytes) -> str:
    key = secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
