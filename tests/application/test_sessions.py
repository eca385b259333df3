"""One's own sign-ins and their CSRF tokens."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.security.tokens import SignedTokens
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.sessions import SessionHandlers
from orbiter.application.work import Work
from orbiter.domain.errors import Forbidden, NotFound, Unauthenticated
from orbiter.domain.identity import Actor, Role, Scope, permissions_of
from support.clock import ManualClock
from support.office import ADDRESS, PASSWORD, Office


def signed_in(session_id: str) -> Actor:
    return Actor(
        user_id="user",
        workspace_id="workspace",
        role=Role.VIEWER,
        permissions=permissions_of(Role.VIEWER),
        session_id=session_id,
    )


def handlers(secret_key: str = "k" * 32) -> SessionHandlers:
    work = Work(MemoryStorage(), ManualClock(), new_id)
    return SessionHandlers(work, SignedTokens([secret_key]))


async def test_everybody_sees_the_own_sessions_alone(office: Office) -> None:
    ada = await office.admin()
    grace = await office.member(ada, Role.VIEWER, "grace@example.org")
    office.clock.advance(timedelta(milliseconds=1))
    again = await office.enter("grace@example.org")
    page = await office.sessions.page(grace, PageRequest())
    assert {session.id for session in page.items} == {grace.session_id, again.session_id}
    assert page.total == 2


async def test_a_session_tells_from_where_it_was_begun(office: Office) -> None:
    await office.admin()
    began = await office.accounts.login(
        email="ada@example.org", password=PASSWORD, address=ADDRESS, user_agent="x" * 300
    )
    assert (began.session.address, began.session.user_agent) == (ADDRESS, "x" * 255)


async def test_a_session_ended_from_elsewhere_is_dead(office: Office) -> None:
    ada = await office.admin()
    elsewhere = await office.sign_in("ada@example.org")
    await office.sessions.remove(ada, elsewhere.session.id)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(elsewhere.token)
    (entry,) = await office.audited(ada, action="session.ended")
    assert entry.entity_id == elsewhere.session.id


async def test_nobody_ends_a_colleagues_session_not_even_an_admin(office: Office) -> None:
    ada = await office.admin()
    grace = await office.member(ada, Role.DEVELOPER)
    assert grace.session_id is not None
    with pytest.raises(NotFound):
        await office.sessions.remove(ada, grace.session_id)
    assert (await office.sessions.page(grace, PageRequest())).total == 1


async def test_a_key_has_no_csrf_token_and_needs_none(office: Office) -> None:
    by_key = await office.by_key(await office.admin(), Scope.WRITE)
    with pytest.raises(Forbidden):
        office.sessions.csrf_token(by_key)
    assert office.sessions.csrf_holds(by_key, None)


@given(st.text(), st.text())
def test_a_csrf_token_fits_its_session_alone(session_id: str, other_id: str) -> None:
    token = handlers().csrf_token(signed_in(session_id))
    assert handlers().csrf_holds(signed_in(session_id), token)
    assert handlers().csrf_holds(signed_in(other_id), token) == (other_id == session_id)


@given(st.none() | st.text())
def test_a_forged_csrf_token_never_holds(token: str | None) -> None:
    assert not handlers().csrf_holds(signed_in("session"), token)


def test_a_csrf_token_of_another_installation_never_holds() -> None:
    token = handlers("x" * 32).csrf_token(signed_in("session"))
    assert not handlers().csrf_holds(signed_in("session"), token)
