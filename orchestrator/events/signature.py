"""Signatures by the Standard Webhooks specification: https://www.standardwebhooks.com."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable

from orchestrator.config import KEY_PREFIX


def headers(event_id: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The headers of one attempt at `timestamp` (Unix seconds): one signature for each secret."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    keys = (b64decode(secret.removeprefix(KEY_PREFIX)) for secret in secrets)
    digests = (hmac.digest(key, signed, "sha256") for key in keys)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests),
    }
