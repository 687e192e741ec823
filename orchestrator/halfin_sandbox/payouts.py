"""One payout: its fees, its fate, and how the API shows it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import base58

from orchestrator.halfin import CURRENCY_NETWORKS

Json: TypeAlias = dict[str, Any]

# Charged on top of the amount, in its currency: the rail's own share, and the network's.
FEE_RATE = Decimal("0.001")
NETWORK_FEES = {"TRON": Decimal("1"), "ETHEREUM": Decimal("2.4"), "SOLANA": Decimal("0.01")}
FAILURES = (
    ("destination_rejected", "The destination refused the transfer"),
    ("destination_frozen", "The token's issuer has frozen the destination"),
    ("network_error", "The network dropped the transaction"),
    ("network_congested", "The network fee rose above the limit"),
)
WHY_FAILED = ("failure_code", "failure_reason")
OUR_NOTES = ("sent_back_at",)
ONLY_IN_WEBHOOKS = ("metadata", *WHY_FAILED)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(amount: Decimal) -> str:
    return f"{amount:.6f}"


def public(payout: Json) -> Json:
    """A payout as the API documents it."""
    return {k: v for k, v in payout.items() if k not in (*ONLY_IN_WEBHOOKS, *OUR_NOTES)}


def announced(payout: Json) -> Json:
    """A payout as a webhook tells of it."""
    is_failed = payout["status"] == "failed"
    hidden = OUR_NOTES if is_failed else (*OUR_NOTES, *WHY_FAILED)
    return {k: v for k, v in payout.items() if k not in hidden}


def new_payout(line: Json, payout_id: str, environment: str, at: str) -> Json:
    """The payout that a valid line asks for, waiting for approval."""
    amount, network = Decimal(line["amount"]), CURRENCY_NETWORKS[line["currency"]]
    return {
        "id": payout_id,
        "currency": line["currency"],
        "network": network,
        "amount": money(amount),
        "amount_in_base_currency": f"{amount:.2f}",
        **_fees(network, amount),
        "destination": line["destination"],
        "destination_tag": line.get("destination_tag"),
        "status": "pending_approval",
        "environment": environment,
        "tx_hash": None,
        "idempotency_key": line.get("idempotency_key") or None,
        "description": line.get("description"),
        "executable_at": None,
        "completed_at": None,
        "created_at": at,
        "metadata": line.get("metadata"),
    }


def as_completed(payout: Json) -> Json:
    """What changes when a payout has arrived; one that had failed is charged for again."""
    change = {"status": "completed", "completed_at": now(), "tx_hash": tx_hash(payout)}
    return change | _fees(payout["network"], Decimal(payout["amount"]))


def as_failed(luck: float) -> Json:
    """What changes when a payout fails, for one of the reasons: nothing is charged for it."""
    code, reason = FAILURES[int(luck * len(FAILURES))]
    free = {"network_fee": money(Decimal(0)), "fee_amount": money(Decimal(0))}
    return {"status": "failed", **free, "failure_code": code, "failure_reason": reason}


def as_returned(*, is_silent: bool) -> Json:
    """What changes when the receiver of a payout sends it back; the fees stay charged."""
    if is_silent:
        return {"sent_back_at": now()}
    why = {"failure_code": "returned", "failure_reason": "The receiver sent it back"}
    return {"sent_back_at": now(), "status": "failed", "completed_at": None} | why


def ended_in(status: str) -> Json:
    """What changes when a payout ends in a state that is not documented: nothing is charged."""
    return {"status": status, "network_fee": money(Decimal(0)), "fee_amount": money(Decimal(0))}


def total_fee(payout: Json) -> Decimal:
    """What leaves the balance on top of the amount."""
    return Decimal(payout["network_fee"]) + Decimal(payout["fee_amount"])


def totals(payouts: Iterable[Json]) -> dict[str, str]:
    """The sum of the amounts in each currency."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for payout in payouts:
        sums[payout["currency"]] += Decimal(payout["amount"])
    return {code: money(total) for code, total in sums.items()}


def event_of(payout: Json) -> Json:
    """The webhook that tells how a payout ended."""
    event = f"payout.{payout['status']}"
    return {"event": event, "payout_id": payout["id"], "created_at": now()}


def test_event(environment: str) -> Json:
    """The webhook that halfin's dashboard sends on request: of a payout that there never was."""
    code, nobody = "USDT_TRC20", base58.b58encode_check(b"\x41" + bytes(20)).decode()
    line = {"currency": code, "amount": "1", "destination": nobody}
    payout = new_payout(line, str(UUID(int=0)), environment, now())
    payout |= as_completed(payout)
    return event_of(payout) | {"type": "test", "data": payout}


def _fees(network: str, amount: Decimal) -> Json:
    return {"network_fee": money(NETWORK_FEES[network]), "fee_amount": money(amount * FEE_RATE)}


def tx_hash(payout: Json) -> str:
    """Made up, but of the network's form."""
    digest = hashlib.sha512(payout["id"].encode()).digest()
    if payout["network"] == "SOLANA":
        return base58.b58encode(digest).decode()
    return ("0x" if payout["network"] == "ETHEREUM" else "") + digest[:32].hex()
