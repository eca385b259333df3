"""Tokens and signatures."""

from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.security.tokens import SignedTokens

OLD, NEW = "o" * 32, "n" * 32
texts = st.text(max_size=20)
purposes = texts.filter(lambda text: "\0" not in text)


def test_tokens_hold_256_bits_and_never_repeat() -> None:
    made = {SignedTokens([NEW]).new() for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) == 43 for token in made)


@given(texts)
def test_a_hash_has_64_characters_whatever_was_presented(token: str) -> None:
    assert len(SignedTokens([NEW]).hash(token)) == 64


@given(purposes, texts)
def test_what_was_signed_is_recognised_after_a_rotation(purpose: str, text: str) -> None:
    mac = SignedTokens([OLD]).sign(purpose, text)
    assert SignedTokens([NEW, OLD]).signed(purpose, text, mac)
    assert not SignedTokens([NEW]).signed(purpose, text, mac)


@given(purposes, texts, purposes, texts)
def test_a_signature_fits_one_text_for_one_purpose(
    purpose: str, text: str, other_purpose: str, other_text: str
) -> None:
    tokens = SignedTokens([NEW])
    fits = tokens.signed(other_purpose, other_text, tokens.sign(purpose, text))
    assert fits == ((purpose, text) == (other_purpose, other_text))


@given(texts)
def test_a_forged_signature_is_refused_whatever_it_is(mac: str) -> None:
    assert not SignedTokens([NEW]).signed("csrf", "session", mac)
