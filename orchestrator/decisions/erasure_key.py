"""The key under which a seller's name and wallets become pseudonyms; no database has it."""

import hmac
from hashlib import sha256

from orchestrator.config import Settings
from orchestrator.errors import SettleError
from orchestrator.secret_files import generated_secret

VARIABLE = "SETTLE_ERASURE_KEY"
KEY_ID_DIGITS = 8


def seller_key(settings: Settings, seller: str) -> str:
    """What finance.approve_erasure takes: the id of the key, and this seller's own key made of it.

    The database sees the key of one seller, while it erases that one. Raises SettleError in
    production where SETTLE_ERASURE_KEY is not set.
    """
    secret = _secret(settings)
    key_id = sha256(secret).hexdigest()[:KEY_ID_DIGITS]
    return f"{key_id}:{_hmac(secret, f'settle-erasure-v1:{seller}').hex()}"


def seals_of(settings: Settings, seller: str, value: str) -> tuple[str, bytes]:
    """What stands in the place of an erased value of the seller: its pseudonym, and its seal.

    The same as finance.pseudonym and finance.keyed_hash make.
    """
    key = bytes.fromhex(seller_key(settings, seller).partition(":")[2])
    seal = _hmac(key, value)
    return f"erased-{seal.hex()[:32]}", seal


def _secret(settings: Settings) -> bytes:
    if settings.erasure_key:
        return settings.erasure_key.encode()
    try:
        return generated_secret(settings, VARIABLE).encode()
    except SettleError:
        raise SettleError(
            f"{VARIABLE} is not set here: approve with settle erase approve, where it is set"
        ) from None


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
