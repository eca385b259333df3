"""What runs are found by."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.searching import LOOKED_THROUGH, folded, searchable

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
values: st.SearchStrategy[Any] = st.recursive(
    texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=9
)


def every_text(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in every_text(each))]
    return [text for each in value for text in every_text(each)]


@given(st.lists(values, max_size=4))
def test_every_text_is_there_in_its_order(several: list[Any]) -> None:
    expected = [folded(text) for value in several for text in every_text(value)]
    assert searchable(*several) == "\n".join(expected)


def test_of_a_large_value_the_beginning_counts_and_others_lose_nothing() -> None:
    large = {"first": "y" * LOOKED_THROUGH, "last": "end"}
    found = searchable("id", large, ["after"])
    assert found.startswith("id\nfirst\nlast\nyyy")
    assert found.endswith("y\nafter")
    assert len(found) <= LOOKED_THROUGH + 20
    many = searchable(["z"] * 10 * LOOKED_THROUGH, "after")
    assert (many.count("z"), many[-6:]) == (LOOKED_THROUGH // 2, "\nafter")
