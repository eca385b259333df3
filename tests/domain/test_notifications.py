"""Notifications: their bounds, and texts made to fit them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.domain.errors import Invalid
from orbiter.domain.notifications import MESSAGE_MAX, TITLE_MAX, clipped
from support.builders import a_notification, a_user
from support.strategies import any_text

ANN = a_user(new_id())


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * (TITLE_MAX + 1)},
        {"title": "\0"},
        {"message": "x" * (MESSAGE_MAX + 1)},
        {"message": "\0"},
    ],
)
def test_what_is_too_long_or_can_not_be_stored_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        a_notification(ANN, **wrong)


def test_marking_changes_nothing_else() -> None:
    new = a_notification(ANN)
    assert not new.read
    assert new.mark(read=True).read
    assert new.mark(read=True).mark(read=False) == new


@given(any_text, st.integers(1, 30))
def test_a_clipped_text_fits_and_says_that_it_was_cut(text: str, maximum: int) -> None:
    shown = clipped(text, maximum)
    assert len(shown) == min(len(text), maximum)
    assert shown.endswith("…") or len(text) <= maximum
    a_notification(ANN, title=f"-{shown}", message=shown)
    assert json.loads(json.dumps(shown, ensure_ascii=False).encode()) == shown


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert clipped("Grüße 🚀", 7) == "Grüße 🚀"
