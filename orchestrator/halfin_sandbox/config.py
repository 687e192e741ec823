"""How the local halfin behaves, and the luck that its seed decides."""

import hashlib
import math
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path

from orchestrator.errors import SettleError


@dataclass(frozen=True)
class SandboxConfig:
    """How the local halfin behaves. Rates are 0 to 1 and decided by `seed`: a run repeats itself.

    Without `auto_approve` payouts wait for POST /sandbox/release, as they wait for a person on
    halfin's dashboard. Without `can_pay` the key lacks payouts:write. `state_file` keeps the books
    over a restart. Raises SettleError for a rate outside 0 to 1 or a wait below 0.
    """

    api_key: str = field(repr=False)
    webhook_url: str | None = None
    webhook_secret: str = field(default="", repr=False)
    seed: int = 1
    opening_balance: Decimal = Decimal(100_000_000)
    max_lines: int = 50_000
    rate_limit: int = 300
    rate_window_s: float = 60.0
    can_pay: bool = True
    auto_approve: bool = True
    approval_delay_s: float = 0.2
    processing_delay_s: float = 0.2
    webhook_attempts: int = 10
    webhook_base_delay_s: float = 0.5
    webhook_concurrency: int = 16
    state_file: Path | None = None
    # Faults of calls. `fault_limit` ends each kind of them after that many.
    error_rate_429: float = 0.0
    error_rate_500: float = 0.0
    error_rate_503: float = 0.0
    slow_rate: float = 1.0
    slow_s: float = 0.0
    accept_then_drop_rate: float = 0.0
    cut_body_rate: float = 0.0
    fault_limit: int | None = None
    # Destinations that the rail does not serve: a call with one of them is refused. A refusal names
    # at most so many lines; 0 is all.
    refused_destination_rate: float = 0.0
    most_named_lines: int = 0
    # Faults of payouts. One that completes after all has failed first, whatever `failure_rate`.
    failure_rate: float = 0.0
    completed_after_failed_rate: float = 0.0
    completed_after_failed_s: float = 1.0
    # Completed, and sent back by its receiver some time later; silently: only the ledger tells.
    returned_rate: float = 0.0
    returned_s: float = 1.0
    is_return_silent: bool = False
    # Ends in a state that the documentation does not name: no webhook tells of it.
    other_state_rate: float = 0.0
    other_state: str = "cancelled"
    # What the rows of the ledger are called, which nobody promised.
    payout_word: str = "payout"
    fee_word: str = "fee"
    return_word: str = "payout_return"
    # Faults of webhooks. Early: sent before the answer to the call that made their payouts.
    duplicate_webhooks: int = 0
    webhook_delay_s: float = 0.0
    webhook_jitter_s: float = 0.0
    drop_webhook_rate: float = 0.0
    bad_signature_rate: float = 0.0
    early_webhook_rate: float = 0.0

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            is_rate = name.endswith("_rate") or name.startswith("error_rate_")
            if is_rate and not 0 <= value <= 1:
                raise SettleError(f"the sandbox's {name} is {value}: a rate is 0 to 1")
            if name.endswith("_s") and not (math.isfinite(value) and value >= 0):
                raise SettleError(f"the sandbox's {name} is {value}: it is seconds, 0 or more")
        if 0 < self.slow_rate < 1 and not self.slow_s:
            raise SettleError("the sandbox's slow answers take no time: say how many seconds")


def chance(seed: int, *what: object) -> float:
    """A number in [0, 1) that is always the same for the same arguments."""
    text = "|".join(map(str, (seed, *what))).encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) / 2**64
