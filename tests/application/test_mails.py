"""What Orbiter writes to people."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.notification.files import FileMailer
from orbiter.adapters.notification.messages import message
from orbiter.application.mails import invitation, password_reset
from orbiter.application.ports.system import Mail
from orbiter.domain.users import email_problems
from support.clock import ManualClock

TOKEN = "x-_" * 14 + "y"
TO = "ada@example.org"


def raw(mail: Mail) -> str:
    """Return a mail as it goes over the wire and into files."""
    return message(mail, "Orbiter <orbiter@example.org>", ManualClock()).as_string()


@pytest.mark.parametrize("public_url", ["https://orbiter.test", "https://orbiter.test/"])
def test_a_link_can_be_copied_out_of_the_raw_mail(public_url: str) -> None:
    invited = raw(invitation(TO, role="viewer", token=TOKEN, public_url=public_url))
    assert f"\nhttps://orbiter.test/register?invite_token={TOKEN}\n" in invited
    forgotten = raw(password_reset(TO, token=TOKEN, public_url=public_url))
    assert f"\nhttps://orbiter.test/reset-password?token={TOKEN}\n" in forgotten


def test_an_installation_below_a_path_is_linked_to_there() -> None:
    mail = password_reset(TO, token=TOKEN, public_url="https://example.org/orbiter")
    assert f"https://example.org/orbiter/reset-password?token={TOKEN}" in mail.text


def test_who_is_invited_learns_as_what() -> None:
    mail = invitation(TO, role="developer", token=TOKEN, public_url="https://orbiter.test")
    assert (mail.to, "developer" in mail.text) == (TO, True)


@given(
    st.emails()
    | st.text(max_size=30).map(lambda local: f"{local}@example.org")
    | st.text("aé漢𐀀.-+'", min_size=1, max_size=64).map(lambda local: f"{local}@bücher.example")
)
def test_whatever_counts_as_an_address_can_be_written_to(address: str) -> None:
    if not list(email_problems(address)):
        mail = password_reset(address, token=TOKEN, public_url="https://orbiter.test")
        read = message_from_bytes(raw(mail).encode(), policy=default)
        assert read["To"] == address


async def test_a_mail_with_letters_of_every_script_arrives_whole(tmp_path: Path) -> None:
    mailer = FileMailer(tmp_path, sender="orbiter@example.org", clock=ManualClock())
    await mailer.send(Mail(to=TO, subject="Grüße", text="Привет, Käthe\n" + "x" * 2000 + "\n"))
    (path,) = tmp_path.iterdir()
    read = message_from_bytes(path.read_bytes(), policy=default)
    assert str(read.get_content()) == "Привет, Käthe\n" + "x" * 2000 + "\n"
