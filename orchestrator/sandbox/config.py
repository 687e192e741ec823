"""How the local halfin behaves, and the luck that its seed decides."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class SandboxConfig:
    """How the local halfin behaves. Rates are 0 to 1 and decided by `seed`: a run repeats itself.

    Without `auto_approve` payouts wait for POST /sandbox/release, as they wait for a person on
    halfin's dashboard. `fault_limit` ends each kind of HTTP fault after that many. `state_file`
    keeps the books over a restart.
    """

    api_key: str = field(repr=False)
    webhook_url: str | None = None
    webhook_secret: str = field(default="", repr=False)
    seed: int = 1
    opening_balance: Decimal = Decimal(100_000_000)
    max_lines: int = 10_000
    rate_limit: int = 300
    rate_window_s: float = 60.0
    auto_approve: bool = True
    approval_delay_s: float = 0.2
    processing_delay_s: float = 0.2
    failure_rate: float = 0.0
    webhook_attempts: int = 10
    webhook_base_delay_s: float = 0.5
    webhook_concurrency: int = 16
    state_file: Path | None = None
    # Faults.
    error_rate_429: float = 0.0
    error_rate_500: float = 0.0
    error_rate_503: float = 0.0
    slow_s: float = 0.0
    accept_then_drop_rate: float = 0.0
    cut_body_rate: float = 0.0
    duplicate_webhooks: bool = False
    webhook_delay_s: float = 0.0
    drop_webhook_rate: float = 0.0
    fault_limit: int | None = None


def chance(seed: int, *what: object) -> float:
    """A number in [0, 1) that is always the same for the same arguments."""
    text = "|".join(map(str, (seed, *what))).encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) / 2**64
