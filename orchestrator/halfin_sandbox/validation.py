"""What a request must look like: its JSON, its fields, its addresses."""

import json
import re
from decimal import Decimal
from typing import Any

import base58
from eth_utils.address import is_checksum_address

from orchestrator.halfin import CURRENCY_NETWORKS
from orchestrator.halfin_sandbox.errors import invalid
from orchestrator.halfin_sandbox.payouts import Json

LIMITS = {  # field -> must it be there, and its most characters
    "currency": (True, 20),
    "amount": (True, 50),
    "destination": (True, 256),
    "destination_tag": (False, 256),
    "description": (False, 1000),
    "idempotency_key": (False, 255),
}
MAX_METADATA_KEYS = 50


def is_address(network: str, destination: str) -> bool:
    """Whether the form and the checksum are those of the network."""
    if network == "ETHEREUM":
        # One in a single case has no checksum that could be wrong.
        return is_checksum_address(destination) or bool(
            re.fullmatch("0x([0-9a-f]{40}|[0-9A-F]{40})", destination)
        )
    # The library drops white space at the end; a rail does not.
    if not re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{25,50}", destination):
        return False
    if network == "SOLANA":
        return len(base58.b58decode(destination)) == 32
    try:
        raw = base58.b58decode_check(destination)
    except ValueError:
        return False
    return len(raw) == 21 and raw[0] == 0x41


def line_problems(line: Any, at: str) -> list[str]:
    """What is wrong with one payout request, each as `path.field: reason`."""
    if not isinstance(line, dict):
        return [f"{at or 'body'}: must be an object"]
    found = {}
    for name, (is_required, most) in LIMITS.items():
        value = line.get(name)
        if value is None and not is_required:
            continue
        if not isinstance(value, str) or len(value) > most or (is_required and not value):
            found[name] = f"must be text of at most {most} characters"
    metadata = line.get("metadata")
    if metadata is not None and (
        not isinstance(metadata, dict) or len(metadata) > MAX_METADATA_KEYS
    ):
        found["metadata"] = f"must be an object of at most {MAX_METADATA_KEYS} keys"
    if not found:
        amount, network = line["amount"], CURRENCY_NETWORKS.get(line["currency"])
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", amount) or not Decimal(amount):
            found["amount"] = "must be above 0, with at most 6 decimals"
        if network is None:
            found["currency"] = f"{line['currency']} is not known"
        elif not is_address(network, line["destination"]):
            found["destination"] = f"is not a valid {network} address"
    return [f"{at}.{name}: {why}" if at else f"{name}: {why}" for name, why in found.items()]


def parse(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise invalid(["body: must be a JSON object"])
    return body
