"""Providers: what they may be set to, and when a key goes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.errors import Invalid
from orbiter.domain.providers import (
    Provider,
    ProviderStatus,
    ProviderType,
    hint_of,
    key_problems,
)
from support.builders import a_provider
from support.clock import START
from support.office import wrong_fields

LATER = START + timedelta(minutes=1)


def provider(**changes: Any) -> Provider:
    return a_provider("workspace", **{"name": "main", **changes})


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": ""}, {"name": "string_too_short"}),
        ({"name": "n" * 65}, {"name": "string_too_long"}),
        ({"name": "a:b"}, {"name": "value_error"}),
        ({"name": "a\0b"}, {"name": "value_error"}),
        ({"name": "anthropic"}, {"name": "value_error"}),
        ({"name": "echo"}, {"name": "value_error"}),
        ({"default_model": ""}, {"default_model": "string_too_short"}),
        ({"default_model": "m" * 256}, {"default_model": "string_too_long"}),
        (
            {"models": ("m", "", "m" * 256)},
            {"models.1": "string_too_short", "models.2": "string_too_long"},
        ),
        ({"models": ("m",) * 501}, {"models": "too_long"}),
        ({"max_retries": -1}, {"max_retries": "greater_than_equal"}),
        ({"max_retries": 11}, {"max_retries": "less_than_equal"}),
        ({"timeout_seconds": 0}, {"timeout_seconds": "greater_than_equal"}),
        ({"timeout_seconds": float("nan")}, {"timeout_seconds": "greater_than_equal"}),
        ({"timeout_seconds": 600.1}, {"timeout_seconds": "less_than_equal"}),
        ({"priority": 2**31}, {"priority": "less_than_equal"}),
        ({"priority": -(2**31)}, {"priority": "greater_than_equal"}),
        ({"provider_type": ProviderType.AZURE_OPENAI}, {"base_url": "value_error"}),
        ({"provider_type": ProviderType.OPENAI_COMPATIBLE}, {"base_url": "value_error"}),
        (
            {"name": "", "max_retries": 11},
            {"name": "string_too_short", "max_retries": "less_than_equal"},
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(changes: dict[str, Any], wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        provider(**changes)
    assert wrong_fields(refused.value) == wrong


@pytest.mark.parametrize(
    "url",
    [
        "",
        "models.example.org",
        "//models.example.org",
        "ftp://models.example.org",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https://user:password@models.example.org",
        "https://key@models.example.org",
        "https://@models.example.org",
        "https://models.example.org/#here",
        "https://models.example.org/#",
        "https://models.example.org/?key=sk-1",
        "https://models.example.org:port",
        "https://models.example.org:99999",
        "https://[::1",
        "https://models.example.org/a b",
        "https://models.example.org\\@evil.example.org",
        "https://models.example.org/\r\nHost: evil",
        "https://m\u00f6dels.example.org",
        " https://models.example.org",
        f"https://models.example.org/{'v' * 2048}",
    ],
)
def test_a_base_url_is_a_plain_one(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        provider(base_url=url)
    assert set(wrong_fields(refused.value)) == {"base_url"}


@pytest.mark.parametrize(
    "url",
    ["https://models.example.org", "http://127.0.0.1:8080/v1/", "HTTPS://[2001:db8::1]/a%20b"],
)
def test_other_base_urls_are_kept_as_they_are(url: str) -> None:
    assert provider(base_url=url).base_url == url


def test_ollama_is_on_this_machine_unless_it_says_otherwise() -> None:
    ollama = provider(provider_type=ProviderType.OLLAMA, name="ollama")
    assert ollama.base_url == "http://127.0.0.1:11434"
    moved = ollama.revise(at=LATER, base_url="http://gpu.example.org:11434")
    assert moved.revise(at=LATER, base_url=None).base_url == "http://127.0.0.1:11434"


def test_a_provider_may_be_called_as_its_own_type() -> None:
    assert provider(name="openai").name == "openai"


def test_a_revision_keeps_the_rest_and_the_key() -> None:
    kept = provider(base_url="https://a.example.org").take_key(b"sealed", "…abcd")
    tested = kept.tested(at=START, error=None)
    revised = tested.revise(at=LATER, name="other", base_url="https://a.example.org", priority=2)
    assert (revised.name, revised.priority, revised.updated_at) == ("other", 2, LATER)
    assert (revised.sealed_key, revised.api_key_hint) == (b"sealed", "…abcd")
    assert revised.status is ProviderStatus.CONNECTED
    assert revised.is_reached_as(tested)


@pytest.mark.parametrize("url", ["https://b.example.org", "https://a.example.org/", None])
def test_the_key_does_not_follow_to_another_address(url: str | None) -> None:
    kept = provider(base_url="https://a.example.org").take_key(b"sealed", "…abcd")
    moved = kept.tested(at=START, error="x").revise(at=LATER, base_url=url)
    assert (moved.sealed_key, moved.api_key_hint, moved.api_key_set) == (None, None, False)
    assert (moved.status, moved.last_tested_at) == (ProviderStatus.UNTESTED, None)
    assert moved.last_error is None
    assert not moved.is_reached_as(kept)


def test_a_test_is_noted() -> None:
    failed = provider().tested(at=LATER, error="e" * 2000)
    assert (failed.status, failed.last_tested_at) == (ProviderStatus.ERROR, LATER)
    assert failed.last_error == "e" * 1000
    assert failed.updated_at == START
    passed = failed.tested(at=LATER, error=None)
    assert (passed.status, passed.last_error) == (ProviderStatus.CONNECTED, None)


def test_the_sealed_key_is_not_shown() -> None:
    assert "sealed by" not in repr(provider().take_key(b"sealed by us", None))


@pytest.mark.parametrize("key", ["", "k" * 4097, "a b", "a\nb", "schl\u00fcssel", "a\0", "\x7f"])
def test_a_key_is_what_a_header_can_carry(key: str) -> None:
    problems = list(key_problems(key))
    assert {problem.field for problem in problems} == {"api_key"}
    assert all(key not in problem.message for problem in problems if key)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_a_hint_shows_four_characters_of_a_long_key_alone(key: str) -> None:
    assert list(key_problems(key)) == []
    assert hint_of(key) == (None if len(key) < 12 else f"…{key[-4:]}")
