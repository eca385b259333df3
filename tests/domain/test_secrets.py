"""Secrets: what they may be named and hold, and that nothing of them is left in what is told."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.domain.errors import Invalid
from orbiter.domain.redaction import HIDDEN
from orbiter.domain.secrets import (
    NO_SECRETS,
    VALUE_MAX,
    VALUE_MIN,
    Secret,
    SecretValues,
    value_problems,
)
from support.clock import START

# A mark of ours beside an asterisk of a secret's would look like the secret.
values: Final = st.text(st.characters(exclude_characters="*", codec="utf-8"), max_size=40).filter(
    lambda value: len(value.strip()) >= VALUE_MIN
)
texts: Final = st.text(st.characters(codec="utf-8"), max_size=20)
ENCODINGS: Final = (
    str,
    str.strip,
    lambda value: quote(value, safe=""),
    quote,
    quote_plus,
    lambda value: re.sub("%..", lambda escape: escape[0].lower(), quote(value)),
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    html.escape,
    lambda value: repr(value)[1:-1],
    lambda value: value.encode().decode("latin-1"),
    lambda value: b64encode(value.encode()).decode().rstrip("="),
    lambda value: urlsafe_b64encode(value.encode()).decode().rstrip("="),
)


def a_secret(**changes: Any) -> Secret:
    """Return a secret of a workspace."""
    given = {
        "id": new_id(),
        "workspace_id": new_id(),
        "name": "API_TOKEN",
        "sealed_value": b"sealed",
        "created_by": new_id(),
        "created_at": START,
        "updated_at": START,
    }
    return Secret(**{**given, **changes})


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


class TestSecret:
    @pytest.mark.parametrize("name", ["A", "API_TOKEN", "A1", f"A{'_' * 63}"])
    def test_a_name_is_like_that_of_an_environment_variable(self, name: str) -> None:
        assert a_secret(name=name).name == name

    @pytest.mark.parametrize(
        "name", ["", "a", "1A", "_A", "A-B", "A B", "Ä", "A\n", "A\0", f"A{'_' * 64}"]
    )
    def test_any_other_name_is_refused(self, name: str) -> None:
        with pytest.raises(Invalid) as refusal:
            a_secret(name=name)
        assert [(each.field, each.type) for each in refusal.value.problems] == [
            ("name", "string_pattern_mismatch")
        ]

    def test_a_revised_one_keeps_the_rest(self) -> None:
        secret = a_secret(project_id=new_id())
        at = START + timedelta(seconds=1)
        revised = secret.revise(at=at, sealed_value=b"other")
        assert revised == replace(secret, sealed_value=b"other", updated_at=at)
        with pytest.raises(Invalid):
            secret.revise(at=at, name="no")

    def test_what_is_sealed_is_not_shown(self) -> None:
        assert "sealed'" not in repr(a_secret(sealed_value=b"sealed"))


class TestValue:
    @pytest.mark.parametrize("value", ["abcd", "ü" * VALUE_MAX, " abcd\n", "a\nb\r\n\tc"])
    def test_any_text_of_some_length_is_a_value(self, value: str) -> None:
        assert not list(value_problems(value))

    @pytest.mark.parametrize(
        ("value", "kinds"),
        [
            ("", ["string_too_short"]),
            ("abc", ["string_too_short"]),
            ("  abc  ", ["string_too_short"]),
            ("a" * (VALUE_MAX + 1), ["string_too_long"]),
            ("abc\0d", ["value_error"]),
            ("abc\ud800", ["value_error"]),
        ],
    )
    def test_any_other_is_refused_with_a_reason_that_does_not_quote_it(
        self, value: str, kinds: list[str]
    ) -> None:
        problems = list(value_problems(value))
        assert [each.type for each in problems] == kinds
        assert {each.field for each in problems} == {"value"}
        assert not value or value not in str(problems)

    def test_the_reason_for_the_least_length_is_told(self) -> None:
        (problem,) = value_problems("abc")
        assert "would be hidden wherever its letters stand" in problem.message


class TestRedaction:
    @given(st.data(), st.lists(values, min_size=1, max_size=3))
    def test_no_form_of_a_secret_is_left_in_any_json(
        self, data: st.DataObject, secrets: list[str]
    ) -> None:
        forms = st.sampled_from([form for value in secrets for form in forms_of(value)])
        pieces = st.lists(texts | forms, max_size=4).map("".join)
        nested = st.recursive(
            pieces | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(pieces, inner, max_size=3),
            max_leaves=8,
        )
        hidden = named(secrets).redacted(data.draw(nested))
        for text in texts_in(hidden):
            for value in secrets:
                assert not [form for form in forms_of(value) if form in text]

    @given(st.data(), values)
    def test_what_holds_no_secret_is_unchanged(self, data: st.DataObject, secret: str) -> None:
        other = "".join(set("abcdefgh") - set(secret) - set(secret.lower()))
        text = data.draw(st.text(other or "\u2603", max_size=3))
        value = {"a": [text, 1, 1.5, None, True], "b": {"c": text}}
        assert SecretValues({"A": secret}).redacted(value) == value

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("s3cr/et!", "***"),
            ("Bearer s3cr/et!, twice: s3cr/et!", "Bearer ***, twice: ***"),
            ("/?key=s3cr%2Fet%21&a=b", "/?key=***&a=b"),
            ("/?key=s3cr%2fet%21", "/?key=***"),
            ("/?key=s3cr/et%21", "/?key=***"),
            (r'{"key": "s3cr\/et!"}', '{"key": "***"}'),
            ("s3cr/et", "s3cr/et"),
        ],
    )
    def test_what_is_around_it_stays(self, text: str, expected: str) -> None:
        assert SecretValues({"KEY": "s3cr/et!"}).redacted(text) == expected

    @pytest.mark.parametrize("user", ["", "a", "ad", "ada", "ada lovelace"])
    def test_basic_authentication_that_is_echoed_tells_no_password(self, user: str) -> None:
        password = "correct-horse-battery-staple"
        header = b64encode(f"{user}:{password}".encode()).decode()
        hidden = SecretValues({"PASSWORD": password}).redacted({"headers": f"Basic {header}"})
        left = hidden["headers"].removeprefix("Basic ")
        assert HIDDEN in left and len(left) < len(header) - len(password)

    def test_a_secret_within_another_and_one_that_overlaps_leave_nothing(self) -> None:
        secrets = SecretValues({"A": "abcdef", "B": "efghij", "C": "cdef"})
        assert secrets.redacted("1 abcdefghij 2 cdef 3 cdefghij") == "1 *** 2 *** 3 ***"
        assert SecretValues({"A": "abab"}).redacted("1 ababab 2") == "1 *** 2"

    def test_keys_numbers_and_tuples_are_looked_at(self) -> None:
        secrets = SecretValues({"PIN": "12345", "KEY": "abcd", "RATE": "0.125"})
        value = {"abcd": (12345, 12346, "x12345"), "n": [True, 12345.0, 12345.5, 0.125]}
        expected = {"***": ["***", 12346, "x***"], "n": [True, "***", 12345.5, "***"]}
        assert secrets.redacted(value) == expected

    @pytest.mark.parametrize("number", [float("inf"), 10**5000], ids=["infinite", "huge"])
    def test_numbers_that_nobody_writes_out_stay(self, number: float) -> None:
        assert SecretValues({"PIN": "12345"}).redacted([number]) == [number]

    def test_entries_whose_keys_are_hidden_stay_apart_and_in_order(self) -> None:
        secrets = SecretValues({"A": "first", "B": "second"})
        hidden = secrets.redacted({"first": 1, "x": {"second": 2}, "second": 3, "***": 4})
        assert list(hidden.items()) == [("***", 1), ("x", {"***": 2}), ("****", 3), ("*****", 4)]

    def test_no_depth_is_too_much(self) -> None:
        value: Any = "abcd"
        for _ in range(10_000):
            value = [{"k": value}]
        hidden = SecretValues({"KEY": "abcd"}).redacted(value)
        for _ in range(10_000):
            hidden = hidden[0]["k"]
        assert hidden == "***"

    @pytest.mark.parametrize(
        ("secret", "text"),
        [
            ("Host-Name.Example", "host-name.example does not resolve"),
            ('it\'s "a\\b"', repr('it\'s "a\\b"')),
            ("line\nbreak", repr("line\nbreak")),
            ("pässword", "pässword".encode().decode("latin-1")),
        ],
    )
    def test_what_messages_and_headers_make_of_it_is_hidden(self, secret: str, text: str) -> None:
        hidden = SecretValues({"KEY": secret}).redacted(text)
        assert HIDDEN in hidden and len(hidden) <= len(text) - len(secret) + len(HIDDEN)

    @given(values, texts, st.integers(VALUE_MIN, 40))
    def test_of_a_secret_that_breaks_off_little_is_told(
        self, secret: str, before: str, length: int
    ) -> None:
        for form in forms_of(secret):
            cut = f"{before} {form[:length]}"
            told = SecretValues({"KEY": secret}).told(cut)
            assert form not in told
            if 8 <= length <= len(form):
                assert form[:length] not in told and HIDDEN in told

    def test_a_cut_may_be_marked_and_what_only_begins_alike_stays(self) -> None:
        told = SecretValues({"KEY": "sk-live-1234567890"}).told
        assert told("sk-live-1234… and sk-live-12; sk-live-1234567890.") == "***… and ***; ***."
        assert told("sk-live-9876 is another") == "sk-live-9876 is another"
        assert told("sk-l") == "sk-l"
        assert NO_SECRETS.told("sk-live-1234") == "sk-live-1234"

    def test_that_a_text_begins_like_a_url_is_told(self) -> None:
        told = SecretValues({"HOOK": "https://hooks.example/T1234"}).told
        assert told("It must begin with https://") == "It must begin with https://"
        assert told("No answer from https://hooks.example/T1") == "No answer from ***"

    def test_of_texts_chosen_to_take_for_ever_nothing_is_told(self) -> None:
        secrets = named([f"{'a;' * 200}{number}" for number in range(100)])
        text = "a;" * 20_000
        assert secrets.redacted(["short", text]) == ["short", HIDDEN]
        assert secrets.told(text) == HIDDEN

    def test_of_objects_with_too_many_keys_that_are_the_same_nothing_is_told(self) -> None:
        secrets = SecretValues({"A": "abcd", "B": "efgh"})
        keys = ["".join(parts) for parts in product(("abcd", "efgh"), repeat=12)]
        assert secrets.redacted({"a": dict.fromkeys(keys[:100])}) == {
            "a": {"*" * count: None for count in range(3, 103)}
        }
        assert secrets.redacted({"a": dict.fromkeys(keys)}) == HIDDEN

    def test_without_secrets_everything_stays_as_it_is(self) -> None:
        value = {"a": ("b",)}
        assert NO_SECRETS.redacted(value) is value
        assert SecretValues({"EMPTY": ""}).redacted("text") == "text"

    def test_values_are_not_shown(self) -> None:
        assert "abcd" not in repr(SecretValues({"KEY": "abcd"}))


def named(secrets: list[str]) -> SecretValues:
    """Return each secret under a name of its own."""
    return SecretValues({f"S{number}": value for number, value in enumerate(secrets)})


def forms_of(value: str) -> list[str]:
    """Return the ways in which a value may be written."""
    return [encode(value) for encode in ENCODINGS]
