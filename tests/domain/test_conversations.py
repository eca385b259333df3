"""Conversations: one answer at a time, titles, and what may be rated."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.domain.conversations import (
    COMMENT_MAX,
    Conversation,
    Feedback,
    Message,
    MessageRole,
    Rating,
    title_of,
)
from orbiter.domain.errors import Conflict, Invalid
from support.clock import START

CONVERSATION = Conversation(
    id=new_id(),
    workspace_id=new_id(),
    agent_id=new_id(),
    created_by=new_id(),
    created_at=START,
    updated_at=START,
)


def an_answer(**changes: Any) -> Message:
    given = {
        "id": new_id(),
        "workspace_id": CONVERSATION.workspace_id,
        "conversation_id": CONVERSATION.id,
        "sequence": 2,
        "role": MessageRole.ASSISTANT,
        "content": "Hello",
        "created_at": START,
    }
    return Message(**{**given, **changes})


def test_what_is_busy_takes_no_message_till_it_is_answered_or_given_up() -> None:
    run_id = new_id()
    busy = CONVERSATION.ask("one", run_id, at=START)
    assert (busy.message_count, busy.busy_run_id) == (1, run_id)
    with pytest.raises(Conflict) as refused:
        busy.ask("two", new_id(), at=START)
    assert refused.value.details == {"run_id": run_id}
    answered = busy.answered(at=START)
    assert (answered.message_count, answered.busy_run_id) == (2, None)
    given_up = busy.give_up()
    assert (given_up.message_count, given_up.busy_run_id) == (1, None)
    assert given_up.ask("two", run_id, at=START).message_count == 2


def test_the_first_message_gives_a_title_where_there_is_none() -> None:
    asked = CONVERSATION.ask(" Where\n is it? ", new_id(), at=START)
    assert asked.title == "Where is it?"
    named = CONVERSATION.revise(at=START, title="Orders").ask("one", new_id(), at=START)
    assert named.title == "Orders"
    cleared = asked.give_up().revise(at=START, title=None)
    assert cleared.ask("two", new_id(), at=START).title == "two"


@given(st.text())
def test_a_title_is_short_and_can_be_stored(content: str) -> None:
    title = title_of(content)
    assert title is None or (1 <= len(title) <= 80 and title.encode())
    assert (title is None) == (not content.split())


@pytest.mark.parametrize("title", ["", "x" * 256, "a\0b"])
def test_what_is_no_title_is_refused(title: str) -> None:
    with pytest.raises(Invalid):
        CONVERSATION.revise(at=START, title=title)


def test_a_comment_stays_until_another_is_given_and_goes_with_the_rating() -> None:
    rated = an_answer().rate(rating=Rating.UP, comment="fine")
    assert rated.feedback == Feedback(rating=Rating.UP, comment="fine")
    again = rated.rate(rating=Rating.DOWN)
    assert again.feedback == Feedback(rating=Rating.DOWN, comment="fine")
    assert again.rate(rating=Rating.DOWN, comment=None).feedback == Feedback(rating=Rating.DOWN)
    assert again.rate(rating=None).feedback is None
    assert again.rate(rating=None).rate(rating=Rating.UP).feedback == Feedback(rating=Rating.UP)


@pytest.mark.parametrize("role", [each for each in MessageRole if each != "assistant"])
def test_only_answers_are_rated(role: MessageRole) -> None:
    with pytest.raises(Conflict):
        an_answer(role=role).rate(rating=Rating.UP)


def test_a_comment_has_a_bound() -> None:
    with pytest.raises(Invalid):
        an_answer().rate(rating=Rating.UP, comment="x" * (COMMENT_MAX + 1))
