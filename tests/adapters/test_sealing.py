"""Secrets sealed for one row, with the cipher that is shipped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.security.encryption import FernetCipher
from orbiter.application.sealing import Seals

OLD, NEW = "o" * 32, "n" * 32
ROW = ("provider", "workspace-1", "provider-1")
SEALS = Seals(FernetCipher([OLD]))


@given(st.text(max_size=200))
def test_what_was_sealed_opens_in_its_row_even_after_a_rotation(text: str) -> None:
    sealed = SEALS.seal(*ROW, text)
    assert Seals(FernetCipher([NEW, OLD])).open(*ROW, sealed) == text


@pytest.mark.parametrize("place", range(3))
def test_copied_to_another_row_it_opens_nothing(place: int) -> None:
    elsewhere = [part + "x" if place == index else part for index, part in enumerate(ROW)]
    with pytest.raises(ValueError, match="something else"):
        SEALS.open(elsewhere[0], elsewhere[1], elsewhere[2], SEALS.seal(*ROW, "sk-very-secret"))


def test_parts_of_the_row_do_not_run_into_each_other() -> None:
    sealed = SEALS.seal("provider", "ab", "c", "sk-very-secret")
    with pytest.raises(ValueError, match="something else"):
        SEALS.open("provider", "a", "bc", sealed)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ValueError, match="No secret key"):
        Seals(FernetCipher([NEW])).open(*ROW, SEALS.seal(*ROW, "sk-very-secret"))


@pytest.mark.parametrize("plain", [b"\xff", b"sk-very-secret", b"[]", b'["provider"]', b"7"])
def test_what_was_encrypted_otherwise_opens_nothing(plain: bytes) -> None:
    with pytest.raises(ValueError) as refusal:
        SEALS.open(*ROW, SEALS.cipher.encrypt(plain))
    assert "sk-very" not in str(refusal.value)
