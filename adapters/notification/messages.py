"""A mail as it goes over the wire (RFC 5322)."""

from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Final

from orbiter.application.ports.system import Clock, Mail

LINE_MAX: Final = 998  # RFC 5322, 2.1.1
# Addresses of every script as they are (RFC 6532): encoded, they would be other addresses.
POLICY: Final = default.clone(utf8=True, max_line_length=LINE_MAX)


def message(mail: Mail, sender: str, clock: Clock) -> EmailMessage:
    """Return *mail* from *sender*, an address with or without a display name."""
    made = EmailMessage(policy=POLICY)
    made["From"] = sender
    made["To"] = mail.to
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(clock.now())
    # Its own domain: without one, make_msgid would tell the world this machine's name.
    made["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "orbiter")
    # Unencoded wherever that is allowed: a link in pieces can't be copied out of a file.
    plain = mail.text.isascii() and max(map(len, mail.text.splitlines()), default=0) <= LINE_MAX
    made.set_content(mail.text, cte="7bit" if plain else None)
    return made
