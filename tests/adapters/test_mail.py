"""Mail over a real SMTP conversation, and as files."""

import stat
from base64 import b64decode
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from orbiter.adapters.notification.files import FileMailer
from orbiter.adapters.notification.smtp import SmtpMailer
from orbiter.adapters.system.clock import SystemClock
from orbiter.application.ports.system import Mail
from orbiter.domain.errors import Unavailable
from support.identity import SmtpServer, smtp_server

MAIL = Mail(to="ada@example.org", subject="Grüße", text="Follow https://orbiter.test/x\n")


def a_mailer(server: SmtpServer, credentials: str = "") -> SmtpMailer:
    url = f"smtp://{credentials}127.0.0.1:{server.port}"
    return SmtpMailer(url, sender="Orbiter <orbiter@example.org>", clock=SystemClock())


async def test_a_mail_reaches_the_server_whole() -> None:
    async with smtp_server() as server:
        await a_mailer(server).send(MAIL)
    assert "RCPT TO:<ada@example.org>" in server.said
    received = message_from_bytes(server.received[0], policy=default)
    assert (received["Subject"], received["From"]) == (
        "Grüße",
        "Orbiter <orbiter@example.org>",
    )
    assert "Follow https://orbiter.test/x" in received.get_content()


async def test_credentials_of_the_url_are_presented_decoded() -> None:
    async with smtp_server() as server:
        await a_mailer(server, "ada:s%40fe@").send(MAIL)
    (login,) = [line for line in server.said if line.startswith("AUTH PLAIN ")]
    assert b64decode(login.removeprefix("AUTH PLAIN ")) == b"\0ada\0s@fe"


async def test_a_refusal_is_unavailable_and_tells_no_address() -> None:
    async with smtp_server(refuses=True) as server:
        with pytest.raises(Unavailable) as refusal:
            await a_mailer(server, "ada:secret@").send(MAIL)
    assert "secret" not in refusal.value.message
    assert "ada" not in refusal.value.message


async def test_a_server_that_is_away_is_unavailable() -> None:
    async with smtp_server() as server:
        pass
    with pytest.raises(Unavailable):
        await a_mailer(server).send(MAIL)


@pytest.mark.parametrize("url", ["", "mail.example.org:587", "http://mail.example.org", "smtp://"])
def test_a_url_of_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="ORBITER_SMTP_URL"):
        SmtpMailer(url, sender="orbiter@example.org", clock=SystemClock())


async def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    mailer = FileMailer(folder, sender="orbiter@example.org", clock=SystemClock())
    await mailer.send(MAIL)
    await mailer.send(MAIL)
    first, second = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(first.stat().st_mode) == stat.S_IMODE(second.stat().st_mode) == 0o600
    assert message_from_bytes(first.read_bytes(), policy=default)["To"] == "ada@example.org"


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    mailer = FileMailer(tmp_path / "file", sender="orbiter@example.org", clock=SystemClock())
    with pytest.raises(Unavailable):
        await mailer.send(MAIL)
