"""The rail's key, checked before anything is sent."""

import re
from typing import Literal

from orchestrator.errors import SettleError

_API_KEY = re.compile(r"sk_(test|live)_[0-9a-fA-F]{64}")


def key_environment(api_key: str) -> Literal["test", "live"]:
    """Whether a key moves real money; raises SettleError when it is not a halfin key."""
    match = _API_KEY.fullmatch(api_key)
    if match is None:
        problem = "is malformed" if api_key else "is not set"
        raise SettleError(
            f"HALFIN_API_KEY {problem}: it is sk_test_ or sk_live_ and 64 hex characters"
        )
    return "live" if match[1] == "live" else "test"
