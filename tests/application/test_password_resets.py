"""A forgotten password's way back."""

import asyncio
from datetime import timedelta

import pytest

from orbiter.adapters.notification.smtp import SmtpMailer
from orbiter.application.password_resets import ANSWER_SECONDS
from orbiter.domain.errors import Invalid, Unauthenticated
from orbiter.domain.identity import Role
from orbiter.domain.password_resets import VALID_FOR
from support.identity import smtp_server
from support.office import ADDRESS, PASSWORD, PUBLIC_URL, Office, wrong_fields

OTHER_PASSWORD = "staple-battery-horse-7"


async def forget(office: Office, email: str = "ada@example.org") -> str:
    """Ask for a reset, a moment later than whatever was before, and return the mailed token."""
    office.clock.advance(timedelta(milliseconds=1))
    await office.accounts.forgot_password(email=email, address=ADDRESS)
    return await office.mailed_token()


async def reset(office: Office, token: str, password: str = OTHER_PASSWORD) -> None:
    await office.accounts.reset_password(token=token, new_password=password)


async def refused_token(office: Office, token: str) -> bool:
    with pytest.raises(Invalid) as refusal:
        await reset(office, token)
    return wrong_fields(refusal.value) == {"token": "value_error"}


async def test_the_mail_leads_back_into_the_account(office: Office) -> None:
    ada = await office.admin()
    token = await forget(office)
    ((to, text),) = await office.mailed()
    assert to == "ada@example.org"
    assert f"{PUBLIC_URL}reset-password?token={token}" in text
    await reset(office, token)
    assert (await office.enter("ada@example.org", OTHER_PASSWORD)).user_id == ada.user_id
    with pytest.raises(Unauthenticated):
        await office.sign_in("ada@example.org", PASSWORD)


async def test_whether_an_address_is_known_shows_neither_in_outcome_nor_in_time(
    office: Office,
) -> None:
    admin = await office.admin()
    await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    took = set()
    for email in ("ada@example.org", "nobody@example.org", "grace@example.org"):
        began = office.clock.now()
        await office.accounts.forgot_password(email=email)
        took.add(office.clock.now() - began)
    assert took == {timedelta(seconds=ANSWER_SECONDS)}
    resets = [to for to, text in await office.mailed() if "reset-password" in text]
    assert resets == ["ada@example.org"]


async def test_a_silent_mail_server_keeps_nobody_waiting(office: Office) -> None:
    await office.admin()
    connected, answered = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await answered.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        office.mailer = SmtpMailer(
            f"smtp://127.0.0.1:{port}", sender="orbiter@example.org", clock=office.clock
        )
        await office.accounts.forgot_password(email="ada@example.org")
        await connected.wait()
        answered.set()
        await office.errands.finish()


async def test_the_mail_goes_to_the_address_that_is_kept(office: Office) -> None:
    await office.admin("straße@example.org")
    await office.accounts.forgot_password(email="STRASSE@example.org")
    ((to, _),) = await office.mailed()
    assert to == "straße@example.org"


async def test_a_mail_that_fails_is_logged_without_its_token(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.admin()
    async with smtp_server(refuses=True) as server:
        office.mailer = SmtpMailer(
            f"smtp://127.0.0.1:{server.port}", sender="orbiter@example.org", clock=office.clock
        )
        await office.accounts.forgot_password(email="ada@example.org")
        await office.errands.finish()
    (record,) = caplog.records
    assert record.getMessage() == "Mailing a password reset failed: Unavailable"
    assert record.exc_info is None


async def test_what_is_no_address_is_refused(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await office.accounts.forgot_password(email="nobody")
    assert wrong_fields(refusal.value) == {"email": "value_error"}


async def test_a_reset_ends_every_session(office: Office) -> None:
    await office.admin()
    sessions = [await office.sign_in("ada@example.org") for _ in range(2)]
    await reset(office, await forget(office))
    for session in sessions:
        with pytest.raises(Unauthenticated):
            await office.authentication.by_session(session.token)


async def test_a_token_works_once(office: Office) -> None:
    await office.admin()
    token = await forget(office)
    outcomes = await asyncio.gather(
        *(reset(office, token) for _ in range(3)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert await refused_token(office, token)


async def test_a_token_works_for_an_hour_to_the_moment(office: Office) -> None:
    await office.admin()
    rest = VALID_FOR - timedelta(seconds=ANSWER_SECONDS)
    late = await forget(office)
    office.clock.advance(rest)
    assert await refused_token(office, late)
    in_time = await forget(office)
    office.clock.advance(rest - timedelta(milliseconds=1))
    await reset(office, in_time)


async def test_a_token_works_until_another_is_asked_for(office: Office) -> None:
    await office.admin()
    first = await forget(office)
    second = await forget(office)
    assert await refused_token(office, first)
    await reset(office, second)


async def test_a_password_that_is_refused_leaves_the_token_good(office: Office) -> None:
    await office.admin()
    token = await forget(office)
    with pytest.raises(Invalid) as refusal:
        await reset(office, token, "password")
    assert wrong_fields(refusal.value) == {"new_password": "value_error"}
    await reset(office, token)


async def test_every_wrong_field_is_told_at_once(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await reset(office, "forged", "short")
    assert wrong_fields(refusal.value) == {
        "token": "value_error",
        "new_password": "string_too_short",
    }


async def test_an_older_mail_does_not_undo_a_new_password(office: Office) -> None:
    ada = await office.admin()
    token = await forget(office)
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    assert await refused_token(office, token)


async def test_a_mailbox_that_was_left_does_not_open_the_account(office: Office) -> None:
    ada = await office.admin()
    token = await forget(office)
    await office.accounts.update(ada, email="ada@example.com", current_password=PASSWORD)
    assert await refused_token(office, token)


async def test_a_token_ends_with_its_user(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.VIEWER, "grace@example.org")
    token = await forget(office, "grace@example.org")
    await office.members.remove(admin, grace.user_id)
    assert await refused_token(office, token)


async def test_both_halves_are_audited_and_the_token_is_kept_nowhere(office: Office) -> None:
    await office.admin()
    token = await forget(office)
    await reset(office, token)
    ada = await office.enter("ada@example.org", OTHER_PASSWORD)
    entries = await office.audited(ada, entity_type="password")
    assert [entry.action for entry in entries] == ["password.forgotten", "password.reset"]
    assert entries[0].address == ADDRESS
    assert {entry.entity_id for entry in entries} == {ada.user_id}
    assert token not in repr(entries)
