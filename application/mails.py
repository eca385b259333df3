"""The mails Orbiter writes."""

from typing import Final
from urllib.parse import urlencode

from orbiter.application.ports.system import Mail

INVITATION: Final = """\
You are invited to work with Orbiter as {role}.

Choose a password here, with this address, within seven days:

{link}
"""
PASSWORD_RESET: Final = """\
Somebody, most likely you, has forgotten the password of this address at Orbiter.

Choose a new one here, once, within an hour:

{link}

If it was not you, do nothing: your password stays as it is.
"""


def invitation(to: str, *, role: str, token: str, public_url: str) -> Mail:
    """Return the mail that invites; its link carries the token."""
    link = _link(public_url, "register", invite_token=token)
    text = INVITATION.format(role=role, link=link)
    return Mail(to=to, subject="Your invitation to Orbiter", text=text)


def password_reset(to: str, *, token: str, public_url: str) -> Mail:
    """Return the mail that leads back to the account; its link carries the token."""
    link = _link(public_url, "reset-password", token=token)
    return Mail(to=to, subject="A new password for Orbiter", text=PASSWORD_RESET.format(link=link))


def _link(public_url: str, page: str, **query: str) -> str:
    return f"{public_url.rstrip('/')}/{page}?{urlencode(query)}"
