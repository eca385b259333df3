"""Encryption at rest and the key behind it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.security.secret_key import load_secret_keys

OLD, NEW = "o" * 32, "n" * 32


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_again_even_after_a_rotation(plain: bytes) -> None:
    sealed = FernetCipher([OLD]).encrypt(plain)
    assert FernetCipher([NEW, OLD]).decrypt(sealed) == plain


@given(st.binary(max_size=200))
def test_what_was_rotated_opens_with_the_new_key_alone(plain: bytes) -> None:
    both = FernetCipher([NEW, OLD])
    rotated = both.rotate(FernetCipher([OLD]).encrypt(plain))
    assert FernetCipher([NEW]).decrypt(rotated) == plain
    assert both.rotate(rotated) == rotated
    with pytest.raises(ValueError, match="No secret key"):
        FernetCipher([OLD]).rotate(rotated)


def test_without_the_key_nothing_opens() -> None:
    sealed = FernetCipher([OLD]).encrypt(b"secret")
    with pytest.raises(ValueError, match="No secret key"):
        FernetCipher([NEW]).decrypt(sealed)
    with pytest.raises(ValueError, match="No secret key"):
        FernetCipher([OLD]).decrypt(sealed[:-4] + b"AAA=")


def test_a_given_list_is_taken_in_its_order(tmp_path: Path) -> None:
    assert load_secret_keys(f"{NEW}, {OLD}", tmp_path) == (NEW, OLD)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["short", f"{NEW},", f"{NEW},short"])
def test_a_short_key_is_refused_without_being_shown(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="at least 32 characters") as refusal:
        load_secret_keys(value, tmp_path)
    assert "ORBITER_SECRET_KEY" in str(refusal.value)
    assert NEW not in str(refusal.value)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_the_first_start_makes_a_key_for_the_owner_alone(tmp_path: Path, value: str | None) -> None:
    made = load_secret_keys(value, tmp_path / "data")
    assert load_secret_keys(None, tmp_path / "data") == made
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600


def test_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starts:
        made = set(starts.map(lambda _: load_secret_keys(None, tmp_path), range(8)))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
