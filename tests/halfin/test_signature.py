"""The signature of webhooks: only the signed bytes, only while fresh, never an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.halfin.signature import sign, verify
from tests.halfin.sandbox import SIGNING

pieces = st.one_of(
    st.text(), st.sampled_from(["t=", "v1=", ",", "=", "1700000000", "t=1", "9" * 5000])
)


@given(st.text(min_size=1), st.integers(0, 10**12 - 1), st.binary(), st.binary(min_size=1))
def test_only_the_signed_bytes_verify(secret: str, now: int, body: bytes, more: bytes) -> None:
    header = sign(secret, now, body)
    assert verify(header, body, ["other", secret], now)
    assert not verify(header, body + more, [secret], now)
    assert not verify(header, body, [secret + "x", ""], now)
    assert not verify(header.replace("t=", "t=1"), body, [secret], now)


@given(st.lists(pieces).map("".join), st.binary())
def test_garbage_neither_verifies_nor_raises(header: str, body: bytes) -> None:
    assert not verify(header, body, [SIGNING, ""], 1_700_000_000)
    assert not verify(header, body, [], 1_700_000_000)


@pytest.mark.parametrize(
    ("age", "is_fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)]
)
def test_an_old_signature_is_no_signature(age: int, is_fresh: bool) -> None:
    assert verify(sign(SIGNING, 5000, b"x"), b"x", [SIGNING], 5000 + age) is is_fresh


def test_while_a_secret_is_changed_either_signature_counts() -> None:
    old, new = sign("old", 9, b"x"), sign("new", 9, b"x")
    assert verify(old, b"x", ["new", "old"], 9)
    assert verify(f"{old},{new.removeprefix('t=9,')}", b"x", ["new"], 9)
    assert verify(f"t=9, v1=\u00e9,{new.removeprefix('t=9,')}", b"x", ["new"], 9)
    assert not verify(f"t=9,{new}", b"x", ["new"], 9)
    assert not verify(sign("", 9, b"x"), b"x", [""], 9)
