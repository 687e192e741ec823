"""What a wallet address looks like, whether it is mistyped, and whether anybody can own it.

Formats are those of the three rails: TRC-20 (TRON: base58check, prefix 0x41), ERC-20 (EVM: 0x and
40 hex digits with the EIP-55 checksum) and SPL (Solana: base58 of 32 bytes, which has no checksum;
those of people are points of the curve ed25519, those of programs are not).
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import base58
from eth_utils.address import to_checksum_address
from solders.pubkey import Pubkey

WalletFormat = Literal["TRC-20", "ERC-20", "SPL"]

_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]+")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_TRON_HEX = re.compile(r"(0[xX])?41[0-9A-Fa-f]{40}")
_TRON_LENGTH = 34
_EVM_DIGITS = 40
_SOLANA_BYTES = 32
_SOLANA_LENGTHS = range(32, 45)
# A typo loses or doubles a character or two; further off, the text is something else.
_TRON_LOOKALIKES = range(_TRON_LENGTH - 2, _TRON_LENGTH + 3)
_EVM_LOOKALIKES = range(_EVM_DIGITS - 4, _EVM_DIGITS + 5)
_SOLANA_LOOKALIKES = range(40, 47)
_LONGEST_LOOKALIKE = 64


@dataclass(frozen=True)
class WalletCheck:
    """The verdict on one address.

    `format` is what it looks like (None: like none of the three), also where it is not valid.
    `detail` is a clause that reads after "the wallet": "looks like TRC-20, checksum is wrong"; for
    an address without any fault it is the first half alone. A valid address may still be one that
    nobody can own (`is_payable`), or be spelled so that a typo in it would not show
    (`is_checksummed`). Contracts and the like are not known here: they are a seed.
    """

    format: WalletFormat | None
    is_valid: bool
    detail: str
    is_payable: bool = True
    is_checksummed: bool = True


def check_wallet(address: str) -> WalletCheck:
    """Tell an address's format and whether it is well formed; never raises on any text."""
    if not address:
        return WalletCheck(None, False, "is empty")
    bare = address.strip()
    if not bare:
        return WalletCheck(None, False, "is blank")
    if len(bare) > _LONGEST_LOOKALIKE:
        return _unknown()
    check = _check_bare(bare)
    if bare != address and check.format:
        return _bad(check.format, "has white space around it")
    return check


def _check_bare(text: str) -> WalletCheck:
    if _TRON_HEX.fullmatch(text):
        return _bad("TRC-20", "is in hex: give the form that starts with T")
    if text[:2] in ("0x", "0X"):
        return _check_evm(text)
    if text.startswith("T") and len(text) in _TRON_LOOKALIKES and _ALPHANUMERIC.fullmatch(text):
        return _check_tron(text)
    return _check_solana(text)


def _check_evm(text: str) -> WalletCheck:
    digits = text[2:]
    if len(digits) not in _EVM_LOOKALIKES:
        return _unknown()
    if len(digits) != _EVM_DIGITS:
        return _bad("ERC-20", f"has {len(digits)} digits after 0x instead of {_EVM_DIGITS}")
    if not _HEX.fullmatch(digits):
        return _bad("ERC-20", "has a character that is not a hex digit")
    if text.startswith("0X"):
        return _bad("ERC-20", "starts with 0X: give it with a small x")
    if not digits.strip("0"):
        return _nobodys("ERC-20", "is the zero address, which nobody owns")
    checksummed = to_checksum_address(text)
    if checksummed == text:
        return _good("ERC-20")
    if digits in (digits.lower(), digits.upper()):
        fault = f"in one case, so a typo would not show: confirm {checksummed}"
        return WalletCheck("ERC-20", True, f"looks like ERC-20, {fault}", is_checksummed=False)
    return _bad("ERC-20", "checksum is wrong")


def _check_tron(text: str) -> WalletCheck:
    if len(text) != _TRON_LENGTH:
        return _bad("TRC-20", f"has {len(text)} characters instead of {_TRON_LENGTH}")
    if not _BASE58.fullmatch(text):
        return _bad("TRC-20", "has one of 0, O, I and l, which no address has")
    decoded = base58.b58decode(text)
    payload, checksum = decoded[:-4], decoded[-4:]
    if sha256(sha256(payload).digest()).digest()[:4] != checksum:
        return _bad("TRC-20", "checksum is wrong")
    if len(payload) != 21 or payload[0] != 0x41:
        return _bad("TRC-20", "belongs to another network")
    if not payload[1:].strip(b"\0"):
        return _nobodys("TRC-20", "is the zero address, which nobody owns")
    return _good("TRC-20")


def _check_solana(text: str) -> WalletCheck:
    is_mixed_case = text not in (text.lower(), text.upper())
    looks_like_it = len(text) in _SOLANA_LOOKALIKES and is_mixed_case
    if not _BASE58.fullmatch(text):
        if looks_like_it and _ALPHANUMERIC.fullmatch(text):
            return _bad("SPL", "has one of 0, O, I and l, which no address has")
        return _unknown()
    key = base58.b58decode(text)
    size = len(key)
    if size == _SOLANA_BYTES and len(text) in _SOLANA_LENGTHS:
        if not text.strip("1"):
            return _nobodys("SPL", "is the zero address, which nobody owns")
        if not Pubkey.from_bytes(key).is_on_curve():
            return _nobodys("SPL", "belongs to a program: no key can sign for it")
        return _good("SPL")
    if looks_like_it:
        return _bad("SPL", f"is {size} bytes long instead of {_SOLANA_BYTES}")
    return _unknown()


def _good(wallet_format: WalletFormat) -> WalletCheck:
    return WalletCheck(wallet_format, True, f"looks like {wallet_format}")


def _bad(wallet_format: WalletFormat, fault: str) -> WalletCheck:
    return WalletCheck(wallet_format, False, f"looks like {wallet_format}, {fault}")


def _nobodys(wallet_format: WalletFormat, fault: str) -> WalletCheck:
    detail = f"looks like {wallet_format}, {fault}"
    return WalletCheck(wallet_format, True, detail, is_payable=False)


def _unknown() -> WalletCheck:
    return WalletCheck(None, False, "looks like no TRC-20, ERC-20 or SPL address")
