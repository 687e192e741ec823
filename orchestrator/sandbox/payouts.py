"""One payout: its fees, its fate, and how the API shows it."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

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
ONLY_IN_WEBHOOKS = ("metadata", "failure_code", "failure_reason")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(amount: Decimal) -> str:
    return f"{amount:.6f}"


def public(payout: Json) -> Json:
    """A payout as the API documents it."""
    return {k: v for k, v in payout.items() if k not in ONLY_IN_WEBHOOKS}


def new_payout(line: Json, payout_id: str, environment: str, at: str) -> Json:
    """The payout that a valid line asks for, waiting for approval."""
    amount, network = Decimal(line["amount"]), CURRENCY_NETWORKS[line["currency"]]
    return {
        "id": payout_id,
        "currency": line["currency"],
        "network": network,
        "amount": money(amount),
        "amount_in_base_currency": f"{amount:.2f}",
        "network_fee": money(NETWORK_FEES[network]),
        "fee_amount": money(amount * FEE_RATE),
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


def total_fee(payout: Json) -> Decimal:
    """What leaves the balance on top of the amount."""
    return Decimal(payout["network_fee"]) + Decimal(payout["fee_amount"])


def tx_hash(payout: Json) -> str:
    """Made up, but of the network's form."""
    digest = hashlib.sha512(payout["id"].encode()).digest()
    if payout["network"] == "SOLANA":
        return base58.b58encode(digest).decode()
    return ("0x" if payout["network"] == "ETHEREUM" else "") + digest[:32].hex()
