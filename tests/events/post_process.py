"""What a process that is about to be killed runs, and no other import: so it begins at once."""

import httpcore  # noqa: F401 - httpx imports it when it makes its first client

from orchestrator.config import Settings
from orchestrator.events.endpoint import Endpoint
from orchestrator.events.poster import post_waiting


def post_waiting_alone(settings: Settings) -> None:
    """`settle post-events --once` without the command line."""
    with Endpoint(settings) as endpoint:
        post_waiting(settings, endpoint)
