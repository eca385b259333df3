"""How deep a body is nested: what a decoder would find, without one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.http.nesting import is_deeper

json_values = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\a', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\', max_size=3), inner)
    ),
    max_leaves=12,
)


def depth_of(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, inside), default=0) if isinstance(value, dict | list) else 0


@given(json_values, st.integers(0, 8))
def test_it_is_what_a_decoder_finds(value: Any, levels: int) -> None:
    assert is_deeper(json.dumps(value).encode(), levels) == (depth_of(value) > levels)


@pytest.mark.parametrize(
    "body", [b'"' * 2_000_000, b'"\\' * 1_000_000, b"[" * 2_000_000, b"[]" * 1_000_000, b'["\\']
)
def test_no_body_keeps_us_long(body: bytes) -> None:
    assert is_deeper(body, 64) == body.startswith(b"[[")
