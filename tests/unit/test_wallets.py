"""Wallet addresses: by example, by property, and against the Olist sample."""

import csv
from collections import Counter
from typing import cast

import base58
import pytest
from eth_utils.address import to_checksum_address
from hypothesis import example, given
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from orchestrator.project_variables import PROJECT_ROOT
from orchestrator.settlement.wallets import WalletCheck, WalletFormat, check_wallet
from tests.support.settings import OLIST

# Published ones: USDT on TRON, EIP-55's own examples, Solana's token program and wrapped SOL.
VALID = {
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t": "TRC-20",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed": "ERC-20",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359": "ERC-20",
    "0x52908400098527886E0F7030069857D2E4169EE7": "ERC-20",  # the checksum makes it all upper
    "0xde709f2102306220921060314715629080e2fb77": "ERC-20",  # ... and this one all lower
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": "SPL",
    "So11111111111111111111111111111111111111112": "SPL",
}
BAD = {
    "": (None, "is empty"),
    " \t": (None, "is blank"),
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq": (
        None,
        "looks like no TRC-20, ERC-20 or SPL address",
    ),
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D0": (
        "SPL",
        "looks like SPL, has one of 0, O, I and l, which no address has",
    ),
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": (None, "looks like no TRC-20, ERC-20 or SPL address"),
    "ask my accountant": (None, "looks like no TRC-20, ERC-20 or SPL address"),
    "1" * 10_000: (None, "looks like no TRC-20, ERC-20 or SPL address"),
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u": ("TRC-20", "looks like TRC-20, checksum is wrong"),
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6": (
        "TRC-20",
        "looks like TRC-20, has 33 characters instead of 34",
    ),
    "TR7NHqjeKQxGTCi8q8ZY4pL80tSzgjLj6t": (
        "TRC-20",
        "looks like TRC-20, has one of 0, O, I and l, which no address has",
    ),
    "41a614f803b6fd780986a42c78ec9c7f77e6ded13c": (
        "TRC-20",
        "looks like TRC-20, is in hex: give the form that starts with T",
    ),
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD": (
        "ERC-20",
        "looks like ERC-20, checksum is wrong",
    ),
    "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed": (
        "ERC-20",
        "looks like ERC-20, starts with 0X: give it with a small x",
    ),
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe": (
        "ERC-20",
        "looks like ERC-20, has 39 digits after 0x instead of 40",
    ),
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg": (
        "ERC-20",
        "looks like ERC-20, has a character that is not a hex digit",
    ),
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n": (
        "ERC-20",
        "looks like ERC-20, has white space around it",
    ),
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5D": (
        "SPL",
        "looks like SPL, is 31 bytes long instead of 32",
    ),
}
ONE_CASE = (
    "looks like ERC-20, in one case, so a typo would not show:"
    " confirm 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
)
ZERO = "is the zero address, which nobody owns"
NOBODYS = {
    "0x" + "0" * 40: ("ERC-20", ZERO),
    "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb": ("TRC-20", ZERO),
    "1" * 32: ("SPL", ZERO),
    # The incinerator and the vote program: no point of the curve, so no key.
    "1nc1nerator11111111111111111111111111111111": (
        "SPL",
        "belongs to a program: no key can sign for it",
    ),
    "Vote111111111111111111111111111111111111111": (
        "SPL",
        "belongs to a program: no key can sign for it",
    ),
}


@pytest.mark.parametrize(("address", "wallet_format"), VALID.items())
def test_valid(address: str, wallet_format: str) -> None:
    check = check_wallet(address)
    assert (check.format, check.is_valid) == (wallet_format, True)
    assert check.detail == f"looks like {wallet_format}", "so that ', rail is ...' can follow"


@pytest.mark.parametrize(("address", "expected"), BAD.items())
def test_bad(address: str, expected: tuple[str | None, str]) -> None:
    check = check_wallet(address)
    assert (check.format, check.detail) == expected
    assert not check.is_valid


@pytest.mark.parametrize(("address", "expected"), NOBODYS.items())
def test_well_formed_and_nobodys(address: str, expected: tuple[str, str]) -> None:
    wallet_format, fault = expected
    assert check_wallet(address) == WalletCheck(
        cast(WalletFormat, wallet_format), True, f"looks like {wallet_format}, {fault}", False
    )


def test_an_evm_address_in_one_case_shows_the_form_to_confirm() -> None:
    address = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
    expected = WalletCheck("ERC-20", True, ONE_CASE, is_checksummed=False)
    assert check_wallet(address) == expected
    assert check_wallet("0x" + address[2:].upper()) == expected


def test_each_listed_address_is_well_formed_and_named_once() -> None:
    with (PROJECT_ROOT / "seeds" / "unpayable_wallets.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert len({row["wallet_address"].lower() for row in listed}) == len(listed) > 50
    for row in listed:
        check = check_wallet(row["wallet_address"])
        found = (check.format, check.is_valid, check.is_checksummed)
        assert found == (row["network"], True, True), row
        assert row["what"], row
        assert row["source"], row


@given(st.binary(min_size=32, max_size=32))
def test_the_address_of_a_solana_key_can_be_paid(seed: bytes) -> None:
    address = str(Keypair.from_seed(seed).pubkey())
    assert check_wallet(address) == WalletCheck("SPL", True, "looks like SPL")


@given(st.binary(min_size=20, max_size=20).filter(any))
def test_every_account_has_one_spelling_per_network(account: bytes) -> None:
    tron = base58.b58encode_check(b"\x41" + account).decode()
    evm = to_checksum_address(account)
    assert check_wallet(tron) == WalletCheck("TRC-20", True, "looks like TRC-20")
    assert check_wallet(evm) == WalletCheck("ERC-20", True, "looks like ERC-20")
    for spelling in (evm.lower(), "0x" + evm[2:].upper()):
        assert check_wallet(spelling).is_checksummed == (spelling == evm)
        assert spelling == evm or check_wallet(spelling).detail.endswith(f" confirm {evm}")


@given(st.binary(min_size=32, max_size=32).filter(any))
@example(b"\x00" * 31 + b"\x01")
def test_32_bytes_are_a_solana_address_and_payable_on_the_curve(key: bytes) -> None:
    check = check_wallet(base58.b58encode(key).decode())
    assert (check.format, check.is_valid) == ("SPL", True)
    assert check.is_payable == Pubkey.from_bytes(key).is_on_curve()


@given(st.integers(0, 33), st.characters(min_codepoint=32))
def test_a_changed_character_shows_in_a_tron_address(place: int, character: str) -> None:
    address = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    changed = address[:place] + character + address[place + 1 :]
    assert check_wallet(changed).is_valid == (changed == address)


@given(st.binary(min_size=20, max_size=20).filter(any), st.integers(0, 39))
def test_a_changed_case_shows_in_an_evm_address(account: bytes, place: int) -> None:
    address = to_checksum_address(account)
    changed = address[: place + 2] + address[place + 2].swapcase() + address[place + 3 :]
    check = check_wallet(changed)
    assert (check.is_valid and check.is_checksummed) == (changed == address)


@given(st.text() | st.text("0x123456789abcdefABCDEFTZ \n\0", max_size=50).map("0x".__add__))
@example("\ud800")
@example("T" + "\u0660" * 33)
@example("0x" + "\u0660" * 40)
def test_no_text_raises_and_the_verdict_is_one_line(text: str) -> None:
    check = check_wallet(text)
    assert check.detail.isprintable()
    assert check.format or not check.is_valid
    assert check.format is None or check.detail.startswith(f"looks like {check.format}")


def test_olist_sellers_are_valid_for_their_rail_or_known_to_be_broken() -> None:
    if not OLIST.is_dir():
        pytest.skip(f"no Olist sample at {OLIST}: its wallets were not checked")
    rails = {"APAC": "TRC-20", "NA": "ERC-20", "EU": "ERC-20", "LATAM": "ERC-20"}
    faults: Counter[str] = Counter()
    with (OLIST / "sellers.csv").open(encoding="utf-8") as file:
        for seller in csv.DictReader(file):
            check = check_wallet(seller["wallet_address"])
            rail = "SPL" if seller["fast_settlement"] == "true" else rails[seller["region"]]
            assert check.format in (rail, None)
            if not check.is_valid:
                faults[check.detail] += 1
    assert faults == {
        "is empty": 18,
        "looks like ERC-20, checksum is wrong": 22,
        "looks like TRC-20, checksum is wrong": 2,
    }
