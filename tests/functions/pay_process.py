"""What a process that is about to be killed runs, and no other import: so it begins at once."""

import httpcore  # noqa: F401 - httpx imports it when it makes its first client

from orchestrator.config import Settings
from orchestrator.settlement.pay import pay_window


def pay_window_alone(settings: Settings, window: str) -> None:
    """`settle pay` without the command line."""
    pay_window(settings, window)
