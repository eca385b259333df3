"""Occurrences: every one is found, whatever its length and place, or it is said that it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.occurrences import Effort, Occurrences, TooMuchEffort

few_letters = st.text("ab", min_size=1, max_size=20)


@given(st.sets(few_letters, max_size=8), st.lists(few_letters, max_size=6).map("".join))
def test_each_is_found_where_it_occurs_and_nowhere_else(sought: set[str], text: str) -> None:
    expected = {
        (start, start + len(each))
        for each in sought
        for start in range(len(text))
        if text.startswith(each, start)
    }
    found = list(Occurrences(sought).within(text, Effort(100_000)))
    assert sorted(found) == sorted(expected)


def test_what_takes_too_many_comparisons_is_given_up() -> None:
    occurrences = Occurrences({"a" * 20 + "b"})
    assert not list(occurrences.within("a" * 80, Effort(80)))
    with pytest.raises(TooMuchEffort):
        list(occurrences.within("a" * 80, Effort(10)))
