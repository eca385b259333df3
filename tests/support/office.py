"""The identity use cases over real adapters in memory, and people who use them."""

import re
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.policy import default
from functools import cached_property
from pathlib import Path
from typing import Final

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.notification.files import FileMailer
from orbiter.adapters.security.passwords import Argon2PasswordHasher
from orbiter.adapters.security.tokens import SignedTokens
from orbiter.adapters.system.ids import new_id
from orbiter.application.accounts import AccountHandlers
from orbiter.application.api_keys import ApiKeyHandlers
from orbiter.application.audit_log import AuditLogHandlers
from orbiter.application.authentication import Authentication
from orbiter.application.errands import Errands
from orbiter.application.login import SignIn
from orbiter.application.members import MemberHandlers
from orbiter.application.paging import PageRequest
from orbiter.application.ports.identity import PasswordHasher
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.ports.system import Mailer
from orbiter.application.sessions import SessionHandlers
from orbiter.application.work import Work
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.errors import Invalid
from orbiter.domain.identity import Actor, Permission, Role, Scope
from orbiter.domain.users import Registration
from support.clock import ManualClock

ADDRESS: Final = "203.0.113.7"
PASSWORD: Final = "correct-horse-battery-9"
PUBLIC_URL: Final = "https://orbiter.test/"
CHEAP: Final = Argon2PasswordHasher(memory_kib=64, passes=1)


@dataclass
class Office:
    """One installation; mails are files in *mails*."""

    mails: Path
    registration: Registration = Registration.OPEN
    passwords: PasswordHasher = CHEAP
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    clock: ManualClock = field(default_factory=ManualClock)
    tokens: SignedTokens = field(default_factory=lambda: SignedTokens(["k" * 32]))
    errands: Errands = field(default_factory=Errands)

    @cached_property
    def mailer(self) -> Mailer:
        return FileMailer(self.mails, sender="orbiter@example.org", clock=self.clock)

    @property
    def work(self) -> Work:
        return Work(self.storage, self.clock, new_id)

    @property
    def accounts(self) -> AccountHandlers:
        return AccountHandlers(
            self.work,
            self.tokens,
            self.passwords,
            self.mailer,
            self.registration,
            PUBLIC_URL,
            self.errands,
        )

    @property
    def members(self) -> MemberHandlers:
        return MemberHandlers(self.work, self.tokens, self.mailer, PUBLIC_URL)

    @property
    def sessions(self) -> SessionHandlers:
        return SessionHandlers(self.work, self.tokens)

    @property
    def api_keys(self) -> ApiKeyHandlers:
        return ApiKeyHandlers(self.work, self.tokens)

    @property
    def audit_log(self) -> AuditLogHandlers:
        return AuditLogHandlers(self.work)

    @property
    def authentication(self) -> Authentication:
        return Authentication(self.storage, self.tokens, self.clock)

    async def admin(self, email: str = "ada@example.org") -> Actor:
        """Return the signed-in admin of a new workspace."""
        await self.accounts.register(email=email, password=PASSWORD)
        return await self.enter(email)

    async def member(self, admin: Actor, role: Role, email: str | None = None) -> Actor:
        """Return a signed-in member who took up an invitation to *admin*'s workspace."""
        email = email or f"{new_id()}@example.org"
        invitation = await self.members.invite(admin, email=email, role=role)
        await self.accounts.register(
            email=email, password=PASSWORD, invite_token=invitation.invite_token
        )
        return await self.enter(email)

    async def sign_in(self, email: str, password: str = PASSWORD) -> SignIn:
        """Begin a session."""
        return await self.accounts.login(email=email, password=password, address=ADDRESS)

    async def enter(self, email: str, password: str = PASSWORD) -> Actor:
        """Return the actor of a new session."""
        token = (await self.sign_in(email, password)).token
        return await self.authentication.by_session(token, address=ADDRESS)

    async def by_key(self, actor: Actor, *scopes: Scope) -> Actor:
        """Return *actor* as one who comes by a new API key."""
        made = await self.api_keys.create(actor, name="key", scopes=scopes)
        return await self.authentication.by_api_key(made.key, address=ADDRESS)

    async def audited(
        self,
        reader: Actor,
        *,
        actor: str | None = None,
        action: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
    ) -> list[AuditEntry]:
        """Return the newest entries of *reader*'s workspace that match, oldest first."""
        only = AuditFilter(actor=actor, action=action, entity_type=entity_type, entity_id=entity_id)
        allowed = replace(reader, permissions=frozenset({Permission.AUDIT_READ}))
        page = await self.audit_log.page(allowed, PageRequest(limit=100), only)
        return list(reversed(page.items))

    async def mailed(self) -> list[tuple[str, str]]:
        """Return address and text of every mail, oldest first, once the errands are done."""
        await self.errands.finish()
        files = sorted(self.mails.glob("*.eml")) if self.mails.exists() else []
        read = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
        return [(mail["To"], str(mail.get_content())) for mail in read]

    async def mailed_token(self) -> str:
        """Return the token in the newest mail's link."""
        found = re.search(r"token=(\S+)", (await self.mailed())[-1][1])
        assert found is not None
        return found[1]


def wrong_fields(refusal: Invalid) -> dict[str, str]:
    """Return each wrong field with the type of what is wrong."""
    return {problem.field: problem.type for problem in refusal.problems}
