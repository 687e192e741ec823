"""The receiver of events: one request at a time, which ends in time whatever it answers."""

import time
from typing import Self

from orchestrator.config import Settings
from orchestrator.errors import SettleError
from orchestrator.events.signature import headers
from orchestrator.network.outgoing import Outgoing, Problem
from orchestrator.secret_files import generated_secret

TIMEOUT_S = 15.0


class Endpoint:
    """SETTLE_EVENTS_URL, for use in a `with` block of one thread.

    Raises SettleError where it is not set, or production has no secret for it.
    """

    def __init__(self, settings: Settings, timeout_s: float = TIMEOUT_S) -> None:
        if not settings.events_url:
            raise SettleError("SETTLE_EVENTS_URL is not set: nothing is posted")
        self._secrets = settings.events_secrets or (
            generated_secret(settings, "SETTLE_EVENTS_SECRET", "whsec_"),
        )
        self._outgoing = Outgoing(settings.events_url, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._outgoing.__exit__(*exc)

    def post(self, event_id: str, body: str) -> Problem | None:
        """Post an event once; None where the receiver has taken it. Never raises for its sake."""
        content = body.encode()
        signed = headers(event_id, int(time.time()), content, self._secrets)
        return self._outgoing.post(content, signed)
